import type { TracerProvider } from '@opentelemetry/api';
import { createRecorder } from './delivery/recorder.ts';
import type { ServedExchange } from './http/served-exchange.ts';
import { createObserver } from './observer.ts';
import type { Options } from './options.ts';

/** The observer of all exchanges in this thread. */
export interface ActiveObserver {
  /** Never throws. */
  observe(served: ServedExchange): void;
  /** Resolves once pending spans are accepted or the timeout expires. */
  flush(timeoutMillis?: number): Promise<void>;
  /** Stops observing; pending spans are still sent. */
  stop(): void;
}

/** Subscribes to a source of exchanges and returns a function that unsubscribes. */
export type Watch = (report: (served: ServedExchange) => void) => () => void;

/** Shared by all copies of this package in the thread: ESM and CommonJS, `register` and code. */
const ACTIVE = Symbol.for('@originscope/instrumentation-cors/active');
const globals = globalThis as { [ACTIVE]?: ActiveObserver | undefined };

export function activeObserver(): ActiveObserver | undefined {
  return globals[ACTIVE];
}

/**
 * Starts the observer of this thread. A thread has one observer, so that no exchange is counted twice; a
 * later call replaces an earlier one, because explicit code takes precedence over `register`.
 *
 * @param tracerProvider the provider that receives spans when `delivery` is `'provider'`
 */
export function startObserver(
  options: Options,
  tracerProvider: TracerProvider,
  watches: readonly Watch[] = [],
): ActiveObserver {
  const { enabled, trustProxy, ignoreRequest, route, redact, ...recorderOptions } = options;
  const recorder = createRecorder(recorderOptions, { tracerProvider });
  const observe = createObserver({ trustProxy, ignoreRequest, route, redact }, recorder);
  const unwatch = watches.map((watch) => watch(observe));
  const observer: ActiveObserver = {
    observe,
    flush: (timeoutMillis) => recorder.flush(timeoutMillis),
    stop() {
      for (const end of unwatch.splice(0)) end();
      if (globals[ACTIVE] === observer) globals[ACTIVE] = undefined;
      void recorder.shutdown();
    },
  };
  globals[ACTIVE]?.stop();
  globals[ACTIVE] = observer;
  return observer;
}
