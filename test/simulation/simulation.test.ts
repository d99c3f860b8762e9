import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/clickhouse.ts';
import { simulate } from './run-histories.ts';

/** With more: `npm run test:simulation -- --seeds 5000`. */
const SEEDS = 50;

test('acknowledged spans are counted once or reported as left out, for any clocks, crashes and failures', async () => {
  const lines: string[] = [];
  const failures = await simulate({
    directory: await temporaryDirectory(),
    seeds: Array.from({ length: SEEDS }, (_, index) => index + 1),
    report: (line) => lines.push(line),
  });
  expect({ failures, lines }).toEqual({ failures: 0, lines: [] });
}, 600_000);
