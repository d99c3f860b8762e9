import { parseArgs } from 'node:util';
import { whyNoKafka } from '../support/kafka.ts';
import { isExact, sumOf } from '../support/ledger.ts';
import { opentelemetryCollector, whyNoCollector } from '../support/opentelemetry-collector/build.ts';
import { fromSenders, fromServices } from './through-collector.ts';

/**
 * `npm run test:collector -- --seconds 30 --kills 10 --seed 1`: OTLP through a real OpenTelemetry Collector into
 * Kafka, and from there through `originscope consume`.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});
const why = whyNoKafka() ?? whyNoCollector();
if (why !== undefined) {
  console.error(why);
  process.exit(1);
}
const progress = (line: string): void => console.log(line);
opentelemetryCollector(progress);

const { exchanges, mismatches } = await fromServices({ millis: Number(values.seconds) * 1000, progress });
if (mismatches.length > 0) console.log(mismatches);
console.log(
  `${exchanges} exchanges of the example services, a restart and a silent broker: ` +
    `${mismatches.length === 0 ? 'exact' : 'NOT EXACT'}`,
);
const killed = await fromSenders({ kills: Number(values.kills), seed: Number(values.seed), progress });
if (!isExact(killed)) console.log(killed);
console.log(
  `${values.kills} kills of the Collector (seed ${values.seed}), ${killed.batches} batches in ${killed.sends} sends, ` +
    `${sumOf(killed.ledger)} decisions, ${killed.ledger.blocked} blocked requests: ` +
    `${isExact(killed) ? 'exact' : 'NOT EXACT'}`,
);
process.exit(mismatches.length === 0 && isExact(killed) ? 0 : 1);
