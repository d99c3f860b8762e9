import { resolve } from 'node:path';
import { type TracerProvider, trace } from '@opentelemetry/api';
import { Coalescer } from '../coalescing/coalescer.ts';
import { keepInSpool } from '../lifecycle/final-delivery.ts';
import { attachLifecycle } from '../lifecycle/lifecycle.ts';
import type { ProcessEvents } from '../lifecycle/process-events.ts';
import { isThreadOfObservedProcess } from '../lifecycle/threads.ts';
import { log } from '../log.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { Environment } from './environment.ts';
import { httpSender, type Sender } from './http-sender.ts';
import { Losses } from './losses.ts';
import { RECORDER_OPTIONS, type RecorderOptions, readOptions } from './options.ts';
import { PrivateDelivery } from './private-delivery.ts';
import { ProviderDelivery } from './provider-delivery.ts';
import { resourceOf } from './resource.ts';
import { ScheduledRecorder } from './scheduled-recorder.ts';
import { Spool } from './spool.ts';
import { SpoolReplay } from './spool-replay.ts';
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
  const ways =
    options.delivery === 'private'
      ? privateWays(options, surroundings, clock, losses)
      : { delivery: providerDelivery(surroundings, losses), replay: undefined };
  const coalescer = new Coalescer(options);
  const recorder = new ScheduledRecorder({ ...ways, coalescer, losses, clock, keep: keepInSpool });
  const events = surroundings.process === undefined ? process : surroundings.process;
  if (events !== null) recorder.onShutdown(attachLifecycle(recorder, events, options));
  return recorder;
}

function providerDelivery({ tracerProvider }: RecorderSurroundings, losses: Losses): Delivery {
  log(
    'info',
    "decision spans go through the application's tracer provider; its " +
      'sampler, limits, full queues and failed exports can lose some, and their counts with them.',
  );
  return new ProviderDelivery(tracerProvider ?? trace.getTracerProvider(), losses);
}

function privateWays(
  options: RecorderOptions,
  { env = process.env, random = Math.random }: RecorderSurroundings,
  clock: Clock,
  losses: Losses,
): { readonly delivery: Delivery; readonly replay: SpoolReplay | undefined } {
  const target = targetOf(options, env);
  const sender = httpSender(target, clock);
  const resource = resourceOf(env);
  const spool = options.spool === undefined ? undefined : resolve(options.spool);
  return {
    delivery: new PrivateDelivery({ sender, target, resource, clock, losses, random, spool }),
    replay: spool === undefined ? undefined : replayOf(spool, sender, clock, losses),
  };
}

/** One thread of a process is enough; the main one has it if it has a recorder at all. */
function replayOf(directory: string, sender: Sender, clock: Clock, losses: Losses): SpoolReplay | undefined {
  const spool = new Spool(directory);
  spool.prepare();
  return isThreadOfObservedProcess() ? undefined : new SpoolReplay({ spool, sender, clock, losses });
}
