import type { Logger } from 'pino';
import { hasCode, OriginscopeError } from './errors.ts';
import { endless, retry } from './retry.ts';

export interface Retrier {
  /**
   * Does the work until it succeeds, for hours if need be, as long as its errors are retryable.
   *
   * @throws the first error that is not retryable; the signal's reason once it has aborted
   */
  run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
  /** Whether the last attempt failed. */
  isFailing(): boolean;
}

export interface RetrierOptions {
  /** Logged when work begins to fail and every minute while it does, and when it succeeds again. */
  readonly messages: { readonly failing: string; readonly recovered: string };
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called once when work begins to fail. */
  readonly onFailing?: () => void;
  /** Between attempts; the last one repeats. */
  readonly delaysMillis?: readonly number[] | undefined;
}

const DELAYS_MILLIS = [1_000, 2_000, 5_000, 15_000] as const;
const REMIND_MILLIS = 60_000;

/** Retries what may pass, and logs how long it has failed. */
export function createRetrier(options: RetrierOptions): Retrier {
  const { messages, log, now, onFailing, delaysMillis = DELAYS_MILLIS } = options;
  let since: number | undefined;
  let loggedAt = 0;

  function failed(error: unknown): void {
    const at = now();
    if (since === undefined) {
      since = at;
      onFailing?.();
    } else if (at - loggedAt < REMIND_MILLIS) return;
    loggedAt = at;
    log.error({ err: error, seconds: Math.round((at - since) / 1_000) }, messages.failing);
  }

  function succeeded(): void {
    if (since === undefined) return;
    log.info({ seconds: Math.round((now() - since) / 1_000) }, messages.recovered);
    since = undefined;
  }

  return {
    isFailing: () => since !== undefined,
    async run(work, signal) {
      const result = await retry(work, {
        delays: endless(delaysMillis),
        signal,
        shouldRetry: (error) =>
          error instanceof OriginscopeError && error.retryable && !hasCode(error, 'WRITER_CLOSED'),
        onRetry: failed,
      });
      succeeded();
      return result;
    },
  };
}
