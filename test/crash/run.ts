import { parseArgs } from 'node:util';
import { isExact, sumOf } from '../support/ledger.ts';
import { killUp } from './kill-up.ts';

/** `npm run test:crash -- --kills 20 --seed 1`: the long form of up.test.ts. */
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const result = await killUp({
  kills: Number(values.kills),
  seed: Number(values.seed),
  progress: (line) => console.log(line),
});
const exact = isExact(result) && result.findings.length === 0;
if (!exact) console.log(result);
console.log(
  `${result.faults.killed} kills, ${result.faults.stopped} stops, ${result.faults.cut} cuts (seed ${values.seed}), ${result.requests} requests in ${result.sends} sends, ` +
    `${sumOf(result.ledger)} decisions, ${result.ledger.blocked} blocked requests, at most ${Math.round(result.peakMemory / 2 ** 20)} MiB: ${exact ? 'exact, and verified' : 'NOT EXACT'}`,
);
process.exit(exact ? 0 : 1);
