import type { CoalescedSpan } from '../coalescing/coalescer.ts';
import type { UnsentBatch } from './batch.ts';

/** A way for spans to leave the process. */
export interface Delivery {
  /** Resolves when the fate of all of them is settled: accepted, or counted as lost. Called one at a time. */
  deliver(spans: readonly CoalescedSpan[]): Promise<void>;
  /** Ends the pause before the next attempt, and keeps later ones short for `millis`: a caller is waiting. */
  retryNow(millis: number): void;
  /** Gives what `deliver` has not settled to the caller, with the ids under which it may have arrived already. */
  takeUnsettled(): UnsentBatch[];
  /** Gives these to the caller instead of delivering them; empty when they need no more than was done here. */
  encode(spans: readonly CoalescedSpan[]): UnsentBatch[];
  /** Ends all attempts; what is unsettled then is the caller's. */
  close(): void;
}
