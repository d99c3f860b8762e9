import { expect, test } from 'vitest';
import { parseTime } from './time.ts';

const now = Date.parse('2026-11-22T12:00:00Z');

test.each([
  ['30m', '2026-11-22T11:30:00Z'],
  ['2h', '2026-11-22T10:00:00Z'],
  ['7d', '2026-11-15T12:00:00Z'],
  ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00Z'],
  ['2026-11-22T10:00:00+02:00', '2026-11-22T08:00:00Z'],
  ['2026-11-22', '2026-11-22T00:00:00Z'],
])('%s is understood', (text, expected) => {
  expect(parseTime(text, now)).toBe(Date.parse(expected));
});

test.each(['yesterday', '2', '2026-11-22T10:00:00', '-2h', '2026-13-01', ''])('%j is refused', (text) => {
  // A time without a zone would mean another minute on every machine.
  expect(() => parseTime(text, now)).toThrow('RFC 3339');
});
