import type { CoalescedSpan } from '../coalescing/coalescer.ts';

/** A way for spans to leave the process. */
export interface Delivery {
  /** Resolves when the fate of all of them is settled: accepted, or counted as lost. Called one at a time. */
  deliver(spans: readonly CoalescedSpan[]): Promise<void>;
  /** Somebody waits: the pause before the next attempt, if there is one, ends now. */
  urge(): void;
  close(): void;
}
