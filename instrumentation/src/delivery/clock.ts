import { AsyncLocalStorage } from 'node:async_hooks';

/** Time as the delivery sees it, so that a test can let minutes pass. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /**
   * Runs the action once after some milliseconds and returns what cancels it. Only a timer that says so keeps
   * the process alive.
   */
  after(millis: number, action: () => void, keepsAlive?: boolean): () => void;
}

/**
 * Timers are born in the context of whoever asks first, which may be a request: run in the context of the
 * module instead, or they would hold on to that request's storage and trace for as long as they re-arm.
 */
const inOwnContext = AsyncLocalStorage.snapshot();

export const systemClock: Clock = {
  now: Date.now,
  after(millis, action, keepsAlive = false) {
    const timer = inOwnContext(() => setTimeout(action, millis));
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};
