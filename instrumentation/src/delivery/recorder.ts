import { type TracerProvider, trace } from '@opentelemetry/api';
import { Coalescer } from '../coalescing/coalescer.ts';
import { attachLifecycle, type ProcessEvents } from '../lifecycle.ts';
import { log } from '../log.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { Environment } from './environment.ts';
import { httpSender } from './http-sender.ts';
import { Losses } from './losses.ts';
import { RECORDER_OPTIONS, type RecorderOptions, readOptions } from './options.ts';
import { PrivateDelivery } from './private-delivery.ts';
import { ProviderDelivery } from './provider-delivery.ts';
import { resourceOf } from './resource.ts';
import { ScheduledRecorder } from './scheduled-recorder.ts';
import { targetOf } from './target.ts';

/** What a recorder takes from outside; each has its obvious default. */
export interface RecorderSurroundings {
  readonly env?: Environment;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** For `delivery: 'provider'`; by default the global one. */
  readonly tracerProvider?: TracerProvider;
  /** Whose exit and signals flush; null: nobody's. */
  readonly process?: ProcessEvents | null;
}

/**
 * The way of decisions out of the process, as the options say.
 * @throws InvalidOption
 */
export function createRecorder(
  given: { readonly [K in keyof RecorderOptions]?: RecorderOptions[K] | undefined } = {},
  surroundings: RecorderSurroundings = {},
): ScheduledRecorder {
  const options = readOptions(RECORDER_OPTIONS, given);
  const { clock = systemClock } = surroundings;
  const losses = new Losses();
  const delivery = deliveryOf(options, surroundings, clock, losses);
  const recorder = new ScheduledRecorder({ coalescer: new Coalescer(options), delivery, losses, clock });
  const events = surroundings.process === undefined ? process : surroundings.process;
  if (events !== null) recorder.onShutdown(attachLifecycle(recorder, events, options.handleSignals));
  return recorder;
}

function deliveryOf(
  options: RecorderOptions,
  { env = process.env, random = Math.random, tracerProvider }: RecorderSurroundings,
  clock: Clock,
  losses: Losses,
): Delivery {
  if (options.delivery === 'provider') {
    log(
      'info',
      "decision spans go through the application's tracer provider; its " +
        'sampler, limits, full queues and failed exports can lose some, and their counts with them.',
    );
    return new ProviderDelivery(tracerProvider ?? trace.getTracerProvider(), losses);
  }
  const target = targetOf(options, env);
  return new PrivateDelivery({
    sender: httpSender(target, clock),
    resource: resourceOf(env),
    clock,
    losses,
    random,
    destination: target.url.origin,
  });
}
