import { setTimeout as delay } from 'node:timers/promises';

export interface RetryOptions {
  /** Milliseconds before each retry; after the last one the error is final. See `endless`. */
  readonly delays: Iterable<number>;
  /** The part of a delay by which chance may shorten it, so that those who failed together do not return together. Default 0.25. */
  readonly jitter?: number;
  /** Milliseconds after the first attempt at which the last one begins. Default: no limit. */
  readonly deadlineMillis?: number;
  readonly signal?: AbortSignal;
  /** Default: whatever the error is. */
  readonly shouldRetry?: (error: unknown) => boolean;
  /** Told of an error before the pause that follows it. */
  readonly onRetry?: (error: unknown) => void;
  /** What a test replaces. */
  readonly clock?: Partial<RetryClock>;
}

export interface RetryClock {
  /** Milliseconds, of any clock. */
  now(): number;
  sleep(millis: number, signal: AbortSignal | undefined): Promise<unknown>;
  /** From 0 to below 1. */
  random(): number;
}

const CLOCK: RetryClock = {
  now: () => performance.now(),
  sleep: (millis, signal) => delay(millis, undefined, { ...(signal !== undefined && { signal }) }),
  random: Math.random,
};

/**
 * Does the work until it succeeds, is not to be retried, or has run out of delays or time.
 *
 * @throws the error of the last attempt; the signal's reason once it has aborted
 */
export async function retry<Result>(work: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { delays, jitter = 0.25, deadlineMillis, signal, shouldRetry, onRetry } = options;
  const clock = { ...CLOCK, ...options.clock };
  const start = clock.now();
  const schedule = delays[Symbol.iterator]();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const scheduled = schedule.next();
      const left =
        deadlineMillis === undefined ? Number.POSITIVE_INFINITY : start + deadlineMillis - clock.now();
      if (scheduled.done === true || left <= 0 || shouldRetry?.(error) === false) throw error;
      onRetry?.(error);
      const millis = scheduled.value * (1 - jitter * clock.random());
      await clock.sleep(Math.min(millis, left), signal).catch((failure: unknown) => {
        signal?.throwIfAborted();
        throw failure;
      });
    }
  }
}

/** The delays one after another, and then the last one again and again. */
export function* endless(delays: readonly number[]): Generator<number, never> {
  for (const each of delays.slice(0, -1)) yield each;
  const last = delays.at(-1) ?? 0;
  for (;;) yield last;
}
