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

/** The dependencies of a recorder; tests replace them. */
export interface RecorderDependencies {
  readonly env?: Environment;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** For `delivery: 'provider'`; defaults to the global provider. */
  readonly tracerProvider?: TracerProvider;
  /** The process whose exit and signals trigger a flush; null for none. */
  readonly process?: ProcessEvents | null;
}

/**
 * Creates the recorder that the options describe.
 *
 * @throws InvalidOption
 */
export function createRecorder(
  given: { readonly [K in keyof RecorderOptions]?: RecorderOptions[K] | undefined } = {},
  dependencies: RecorderDependencies = {},
): ScheduledRecorder {
  const options = readOptions(RECORDER_OPTIONS, given);
  const { clock = systemClock } = dependencies;
  const losses = new Losses();
  const parts =
    options.delivery === 'private'
      ? privateDelivery(options, dependencies, clock, losses)
      : { delivery: providerDelivery(dependencies, losses), replay: undefined };
  const coalescer = new Coalescer(options);
  const recorder = new ScheduledRecorder({ ...parts, coalescer, losses, clock, keep: keepInSpool });
  const events = dependencies.process === undefined ? process : dependencies.process;
  if (events !== null) recorder.onShutdown(attachLifecycle(recorder, events, options));
  return recorder;
}

function providerDelivery({ tracerProvider }: RecorderDependencies, losses: Losses): Delivery {
  log(
    'info',
    "decision spans go through the application's tracer provider; its " +
      'sampler, limits, full queues and failed exports can lose some, and their counts with them.',
  );
  return new ProviderDelivery(tracerProvider ?? trace.getTracerProvider(), losses);
}

function privateDelivery(
  options: RecorderOptions,
  { env = process.env, random = Math.random }: RecorderDependencies,
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

/** Only one thread per process replays the spool: the main thread, if it has a recorder. */
function replayOf(directory: string, sender: Sender, clock: Clock, losses: Losses): SpoolReplay | undefined {
  const spool = new Spool(directory);
  spool.prepare();
  return isThreadOfObservedProcess() ? undefined : new SpoolReplay({ spool, sender, clock, losses });
}
