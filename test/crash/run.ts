import { isDeepStrictEqual, parseArgs } from 'node:util';
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
const exact =
  isDeepStrictEqual(result.byMinute, result.ledger) &&
  isDeepStrictEqual(result.byHour, result.ledger) &&
  result.blockedKept === result.blockedSent;
const decisions = Object.values(result.ledger).reduce((sum, count) => sum + count, 0);
if (!exact) console.log(result);
console.log(
  `${result.kills} kills (seed ${values.seed}), ${result.requests} requests in ${result.sends} sends, ` +
    `${decisions} decisions, ${result.blockedSent} blocked requests: ${exact ? 'exact' : 'NOT EXACT'}`,
);
process.exit(exact ? 0 : 1);
