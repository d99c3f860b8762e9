import { parseArgs } from 'node:util';
import { flood } from './flood.ts';

/** `npm run test:flood -- --origins 1000000`: the long form of flood.test.ts. */
const { values } = parseArgs({ options: { origins: { type: 'string', default: '1000000' } } });
const started = performance.now();
const result = await flood(Number(values.origins));
const exact = result.byMinutePublished === result.sent && result.byHourPublished === result.sent;
console.log(result);
console.log(
  `${values.origins} origins, ${result.sent} decisions in ${Math.round((performance.now() - started) / 1000)} s: ` +
    `${exact ? 'exact' : 'NOT EXACT'}, peak RSS ${result.peakRssMiB} MiB`,
);
process.exit(exact ? 0 : 1);
