import type { CoalescedSpan } from '../coalescing/coalescer.ts';
import type { UnsentBatch } from './batch.ts';

/** Sends spans out of the process. */
export interface Delivery {
  /** Resolves when all spans are settled: accepted, or counted as lost. Calls must not overlap. */
  deliver(spans: readonly CoalescedSpan[]): Promise<void>;
  /** Retries immediately and keeps later pauses short, because a caller waits for this many milliseconds. */
  retryNow(millis: number): void;
  /**
   * Hands over the spans that `deliver` has not settled, with the ids under which they may have arrived
   * already.
   */
  takeUnsettled(): UnsentBatch[];
  /** Encodes the spans for the caller instead of delivering them; empty when nothing is left to send. */
  encode(spans: readonly CoalescedSpan[]): UnsentBatch[];
  /** Stops all attempts; unsettled spans are the caller's responsibility. */
  close(): void;
}
