import { expect, test } from 'vitest';
import { isFrozen, OPEN_MILLIS, SLOT_MILLIS, slotOf } from './slots.ts';

const SLOT = Date.UTC(2026, 8, 21, 14, 10);
const END = SLOT + SLOT_MILLIS;

test('a slot is the ten minutes that begin with it', () => {
  expect(slotOf(SLOT)).toBe(SLOT);
  expect(slotOf(END - 1)).toBe(SLOT);
  expect(slotOf(END)).toBe(END);
  expect(slotOf(-1)).toBe(-SLOT_MILLIS);
});

test('a slot takes spans for as long as the receiver does, whole', () => {
  const oldestTaken = END - 1;
  expect(isFrozen(slotOf(oldestTaken), oldestTaken + OPEN_MILLIS)).toBe(false);
  expect(isFrozen(SLOT, END + OPEN_MILLIS)).toBe(true);
});
