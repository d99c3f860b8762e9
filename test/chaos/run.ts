import { parseArgs } from 'node:util';
import { isExact, sumOf } from '../support/ledger.ts';
import { chaos } from './chaos.ts';

/** `npm run test:chaos -- --kills 100 --seed 1 [--no-clocks]`: the long form of chaos.test.ts. */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    clocks: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const start = Date.now();
const result = await chaos({
  kills: Number(values.kills),
  seed: Number(values.seed),
  clocks: values.clocks,
  progress: (line) => console.log(line),
});
const exact = isExact(result) && result.findings.length === 0;
if (!exact) {
  console.log(JSON.stringify(result, null, 1));
  const { ledger, kept } = result;
  const sums = { ...kept, acknowledged: ledger.decisions };
  for (const place of ['acknowledged', 'raw', 'byMinute', 'byHour'] as const) {
    console.log(`${place}: ${sumOf({ decisions: sums[place] })} decisions`);
  }
  console.log(`blocked requests: ${ledger.blocked} acknowledged, ${kept.blocked} kept`);
}
const mebibytes = Object.entries(result.peakMemory).map(
  ([name, bytes]) => `${name} ${Math.round(bytes / 2 ** 20)}`,
);
console.log(`peak memory, MiB: ${mebibytes.join(', ')}`);
console.log(
  `${result.faults.killed} kills, ${result.faults.stopped} stops, ${result.faults.cut} cuts, ${result.clockSteps} clock steps (seed ${values.seed}) in ` +
    `${Math.round((Date.now() - start) / 1_000)} s, ${result.requests} batches in ${result.sends} sends, ` +
    `${sumOf(result.ledger)} decisions, ${result.ledger.blocked} blocked requests: ${exact ? 'exact, and verified' : 'NOT EXACT'}`,
);
process.exit(exact ? 0 : 1);
