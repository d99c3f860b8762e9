import { hasCode, OriginscopeError } from './errors.ts';
import { createOutageLog, type OutageLogOptions } from './outage-log.ts';
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

export interface RetrierOptions extends OutageLogOptions {
  /** Called once when work begins to fail. */
  readonly onFailing?: () => void;
  /** Between attempts; the last one repeats. */
  readonly delaysMillis?: readonly number[] | undefined;
}

const DELAYS_MILLIS = [1_000, 2_000, 5_000, 15_000] as const;

/** Retries what may pass, and logs how long it has failed. */
export function createRetrier(options: RetrierOptions): Retrier {
  const { onFailing, delaysMillis = DELAYS_MILLIS } = options;
  const outage = createOutageLog(options);
  return {
    isFailing: () => outage.isFailing,
    async run(work, signal) {
      const result = await retry(work, {
        delays: endless(delaysMillis),
        signal,
        shouldRetry: (error) =>
          error instanceof OriginscopeError && error.retryable && !hasCode(error, 'WRITER_CLOSED'),
        onRetry(error) {
          if (!outage.isFailing) onFailing?.();
          outage.failed(error);
        },
      });
      outage.succeeded();
      return result;
    },
  };
}
