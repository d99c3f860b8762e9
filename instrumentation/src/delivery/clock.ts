import { AsyncLocalStorage } from 'node:async_hooks';

/** The time source of the delivery, replaced in tests. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /**
   * Runs `action` once after a delay and returns a function that cancels it. The timer does not keep the
   * process alive unless requested.
   */
  after(millis: number, action: () => void, keepsAlive?: boolean): () => void;
}

/**
 * A timer inherits the async context in which it is created, possibly that of a request. Creating it in the
 * module's context avoids retaining that request's storage and trace as long as the timer re-arms.
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
