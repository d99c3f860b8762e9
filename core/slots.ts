/**
 * The life of a slot, the ten minutes that are published together:
 *
 *     open ──(end + settling)──▶ closed, published ──(end + 48 h)──▶ frozen
 *
 * After a span that comes when its slot has closed, the slot is published again; a span that
 * comes after it froze is late for good.
 */

/** Length of a slot; the schema computes the same with toStartOfTenMinutes. */
export const SLOT_MILLIS = 10 * 60_000;

/** How long a slot takes spans, after its end. The receiver's window for the past is the same. */
export const OPEN_MILLIS = 48 * 3_600_000;

/** How far ahead of our clock a span may lie. The receiver's window is narrower; this bounds partitions. */
export const MAX_AHEAD_MILLIS = 3_600_000;

/** How long after its end a slot is closed: time for coalescing, batching and one retry. */
export const SETTLING_MILLIS = 2 * 60_000;

/** Start of the slot of a time; both epoch milliseconds. */
export function slotOf(time: number): number {
  return time - (((time % SLOT_MILLIS) + SLOT_MILLIS) % SLOT_MILLIS);
}

export function isFrozen(slot: number, now: number): boolean {
  return slot + SLOT_MILLIS + OPEN_MILLIS <= now;
}

/** Epoch seconds, as DateTime columns and parameters have it. */
export function seconds(millis: number): number {
  return Math.floor(millis / 1000);
}
