import { expect, test } from 'vitest';
import { flood } from './flood.ts';

test('a flood of origins keeps totals exact, regular origins named and the rest as (other)', async () => {
  const result = await flood(10_000);
  expect(result.sent).toBe(30_000);
  expect(result.byMinutePublished).toBe(result.sent);
  expect(result.byHourPublished).toBe(result.sent);
  expect(result.regular).toBe(10_000);
  expect(result.originsPublished).toBe(501);
  expect(result.other).toBe(result.sent - 10_000 - 499 * 2);
});
