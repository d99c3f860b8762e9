import { expect, test } from 'vitest';
import { killUp } from './kill-up.ts';

test('kill -9 of originscope up in the middle of traffic changes no count', { timeout: 60_000 }, async () => {
  const result = await killUp({ kills: 4, seed: 1, progress: () => {} });
  expect(result.sends).toBeGreaterThan(result.requests);
  expect(result.byMinute).toEqual(result.ledger);
  expect(result.byHour).toEqual(result.ledger);
  expect(result.blockedKept).toBe(result.blockedSent);
});
