import type { TracerProvider } from '@opentelemetry/api';
import { createRecorder } from './delivery/recorder.ts';
import type { ServedExchange } from './http/served-exchange.ts';
import { createObserver } from './observer.ts';
import type { Options } from './options.ts';

/** What observes this thread's exchanges. */
export interface ActiveObserver {
  /** Never throws. */
  observe(served: ServedExchange): void;
  /** Resolves when what is pending was accepted, or the time ran out. */
  flush(timeoutMillis?: number): Promise<void>;
  /** Observes nothing any more; what is pending is still sent. */
  stop(): void;
}

/** A source of exchanges; returns what ends it. */
export type Watch = (report: (served: ServedExchange) => void) => () => void;

/** One place for all copies of this package in the thread: ESM and CommonJS, `register` and code. */
const ACTIVE = Symbol.for('@originscope/instrumentation-cors/active');
const place = globalThis as { [ACTIVE]?: ActiveObserver | undefined };

export function activeObserver(): ActiveObserver | undefined {
  return place[ACTIVE];
}

/**
 * Observes what is watched. There is one observer in a thread, so that no exchange is counted twice: a later one
 * takes the place of an earlier one, because code knows better than `register`.
 *
 * @param tracerProvider where `delivery: 'provider'` delivers
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
      if (place[ACTIVE] === observer) place[ACTIVE] = undefined;
      void recorder.shutdown();
    },
  };
  place[ACTIVE]?.stop();
  place[ACTIVE] = observer;
  return observer;
}
