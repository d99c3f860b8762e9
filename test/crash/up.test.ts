import { expect, test } from 'vitest';
import { killUp } from './kill-up.ts';

test('counts are exact after originscope up is killed, stopped and disconnected during traffic', {
  timeout: 180_000,
}, async () => {
  const { requests, sends, ledger, kept, findings } = await killUp({ kills: 4, seed: 1, progress: () => {} });
  expect(sends).toBeGreaterThan(requests);
  expect(kept.raw).toEqual(ledger.decisions);
  expect(kept.byMinute).toEqual(ledger.decisions);
  expect(kept.byHour).toEqual(ledger.decisions);
  expect(kept.blocked).toBe(ledger.blocked);
  expect(findings).toEqual([]);
});
