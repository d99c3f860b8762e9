import type { ServedExchange } from './http/served-exchange.ts';

/** What observes this thread's exchanges. */
export interface ActiveObserver {
  observe(served: ServedExchange): void;
  flush(timeoutMillis?: number): Promise<void>;
  /** Stops observing, because another one takes over. */
  disable(): void;
}

/** One place for all copies of this package in the thread: ESM and CommonJS, `register` and code. */
const ACTIVE = Symbol.for('@originscope/instrumentation-cors/active');
const place = globalThis as { [ACTIVE]?: ActiveObserver | undefined };

export function activeObserver(): ActiveObserver | undefined {
  return place[ACTIVE];
}

/** Makes it the only one, so that no exchange is counted twice: the last one wins, its options are meant. */
export function activate(observer: ActiveObserver): void {
  const previous = place[ACTIVE];
  place[ACTIVE] = observer;
  if (previous !== observer) previous?.disable();
}

export function deactivate(observer: ActiveObserver): void {
  if (place[ACTIVE] === observer) place[ACTIVE] = undefined;
}
