import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { ClickHouseClient } from '@clickhouse/client';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { createPublisher } from '../../collector/publication/publisher.ts';
import { launchClickHouseServer } from '../support/clickhouse-server/launch.ts';
import { startKafka, whyNoKafka } from '../support/kafka.ts';
import { opentelemetryCollector, whyNoCollector } from '../support/opentelemetry-collector/build.ts';
import { mustRunOriginscope } from '../support/originscope.ts';
import { startOriginscope } from '../support/running-originscope.ts';
import { unread } from '../support/unread.ts';
import { until } from '../support/until.ts';
import { openDoor } from './support/clickhouse-door.ts';
import { type Contender, startCollector, startOurs, type Work } from './support/contenders.ts';
import { latencies } from './support/latency.ts';
import { cpuOf, memoryOf } from './support/process-usage.ts';
import { fillTopic } from './support/spans-topic.ts';
import { middle, spread } from './support/spread.ts';

const TOPIC = 'otlp_spans';
const PARTITIONS = 4;
const MINUTE = 60_000;
/** The measured process has this core for itself; broker, ClickHouse and the benchmark use the others. */
const MEASURED_CORE = '0';
const OTHER_CORES = `1-${availableParallelism() - 1}`;
const MOST_MINUTES = 10;

interface Entrant {
  readonly name: string;
  readonly isOurs: boolean;
  start(work: Work): Promise<Contender>;
}

const MIB = 1024 ** 2;
const LARGE_FETCHES = { max_fetch_size: 64 * MIB, max_partition_fetch_size: 16 * MIB };
const CONTENDERS: readonly Entrant[] = [
  { name: 'consume', isOurs: true, start: startOurs },
  { name: 'Collector', isOurs: false, start: (work) => startCollector(work) },
  { name: 'Collector-large-fetches', isOurs: false, start: (work) => startCollector(work, LARGE_FETCHES) },
];

/** The result of a contender for the complete topic. */
interface Measured {
  readonly spansASecond: number;
  readonly cpuSecondsAMillion: number;
  readonly peakMiB: number;
}

/** Bytes a span, in ClickHouse. */
interface OnDisk {
  readonly raw: number;
  /** Ours alone has something to publish. */
  readonly published: number;
}

/**
 * `npm run bench -- kafka [--spans N] [--rounds N] [--probes N]`: a topic of decision spans in messages of 200,
 * read by `originscope consume` and by the OpenTelemetry Collector in turns, first where span inserts are
 * discarded, then into ClickHouse; at last the latency from `originscope receive` to the views.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      spans: { type: 'string', default: '2000000' },
      rounds: { type: 'string', default: '3' },
      probes: { type: 'string', default: '120' },
    },
  });
  const spans = Number(values.spans);
  const rounds = Number(values.rounds);
  const why =
    (availableParallelism() < 2 ? 'One core is measured, so there have to be two.' : undefined) ??
    whyNoKafka() ??
    whyNoCollector();
  if (why !== undefined) return void console.log(why);
  opentelemetryCollector(console.log);
  // What this process starts inherits it.
  execFileSync('taskset', ['-apc', OTHER_CORES, String(process.pid)]);
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`);

  const kafka = await startKafka();
  const client = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING });
  const admin = client.admin();
  try {
    await admin.connect();
    await createTopics(kafka.brokers, TOPIC);
    await fillTopic(client, { topic: TOPIC, partitions: PARTITIONS, spans });
    const context = { brokers: kafka.brokers, admin, spans };
    await compare(context, CONTENDERS, { discard: true, rounds });
    const storing = await compare(context, CONTENDERS.slice(0, 2), { discard: false, rounds });
    await measureLatency(kafka.brokers, middle(storing) / 5, Number(values.probes));
  } finally {
    await admin.disconnect();
    await kafka.close();
  }
}

interface Context {
  readonly brokers: readonly string[];
  readonly admin: Admin;
  readonly spans: number;
}

/** Rounds with one run of each contender. @returns our spans per second */
async function compare(
  context: Context,
  contenders: readonly Entrant[],
  { discard, rounds }: { readonly discard: boolean; readonly rounds: number },
): Promise<number[]> {
  console.log(discard ? '\nspan inserts are discarded' : '\ninto ClickHouse (the stand-in)');
  const results = new Map<Entrant, Measured[]>(contenders.map((one) => [one, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [one, measured] of results) measured.push(await measure(context, one, { discard, round }));
  }
  const [ours = [], ...others] = [...results.values()];
  for (const [index, peer] of others.entries()) {
    const ratios = peer.map(
      ({ cpuSecondsAMillion }, round) => cpuSecondsAMillion / (ours[round]?.cpuSecondsAMillion ?? 0),
    );
    console.log(
      `  spans a CPU second, ours ÷ ${contenders[index + 1]?.name}, min / median / max: ${spread(ratios)}`,
    );
  }
  return ours.map(({ spansASecond }) => spansASecond);
}

async function measure(
  { brokers, admin, spans }: Context,
  { name, isOurs, start }: Entrant,
  { discard, round }: { readonly discard: boolean; readonly round: number },
): Promise<Measured> {
  const server = await launchClickHouseServer();
  const door = await openDoor(server.url, { discard });
  const database = `${server.url}/default`;
  const clickhouse = await openClickHouse({ url: database });
  try {
    await migrate(clickhouse.writing);
    const group = `${name}-${discard ? 'discarding' : 'storing'}-${round}`;
    const work = {
      ...{ brokers, topic: TOPIC, group, cores: MEASURED_CORE },
      clickhouse: `${door.url}/default`,
    };
    const started = performance.now();
    const program = await start(work);
    const startCpu = cpuOf(program.pid);
    let measured: Measured;
    try {
      await until(async () => {
        if (performance.now() - started > MOST_MINUTES * MINUTE) throw new Error(`${name} does not finish`);
        if (!isOurs) return door.collectorRows >= spans;
        return (await unread(admin, TOPIC, group)) === 0;
      }, 100);
      measured = {
        spansASecond: (spans / (door.lastInsert - started)) * 1000,
        cpuSecondsAMillion: (cpuOf(program.pid) / spans) * 1e6,
        peakMiB: memoryOf(program.pid, 'VmHWM'),
      };
    } finally {
      await program.end();
    }
    console.log(
      `  ${name.padEnd(24)} ${Math.round(measured.spansASecond).toLocaleString('en').padStart(8)} spans/s, ` +
        `${measured.cpuSecondsAMillion.toFixed(1)} CPU s a million ` +
        `(${Math.round(1e6 / measured.cpuSecondsAMillion).toLocaleString('en')} spans a CPU second), ` +
        `${startCpu.toFixed(1)} CPU s of it to start, peak RSS ${measured.peakMiB} MiB, ${(door.insertedBytes / spans).toFixed(0)} B a span inserted`,
    );
    if (!discard && round === 1) {
      const { raw, published } = await onDisk(clickhouse, isOurs, spans);
      console.log(
        `    on disk: ${raw.toFixed(1)} B a span${isOurs ? `; published ${published.toFixed(3)}` : ''}`,
      );
    }
    return measured;
  } finally {
    await clickhouse.close();
    await door.close();
    await server.stop();
  }
}

/** Merged, as tables are after a while. */
async function onDisk(
  { writing, publishing }: { writing: ClickHouseClient; publishing: ClickHouseClient },
  isOurs: boolean,
  spans: number,
): Promise<OnDisk> {
  if (isOurs) {
    const inAnHour = () => Date.now() + 60 * MINUTE;
    await createPublisher({
      client: publishing,
      now: inAnHour,
      republishMillis: 0,
      readerGraceMillis: 0,
    }).tick();
  }
  const rawTables = isOurs ? ['decision_spans', 'blocked_spans'] : ['otel_traces', 'otel_traces_trace_id_ts'];
  const publishedTables = isOurs ? ['usage_minutes', 'usage_hours'] : [];
  for (const table of [...rawTables, ...publishedTables]) {
    await writing.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
  }
  const result = await writing.query({
    query: `SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts
      WHERE active AND database = currentDatabase() GROUP BY table`,
    format: 'JSONEachRow',
  });
  const bytes = new Map(
    (await result.json<{ table: string; bytes: number }>()).map((row) => [row.table, row.bytes]),
  );
  const aSpan = (tables: readonly string[]): number =>
    tables.reduce((sum, table) => sum + (bytes.get(table) ?? 0), 0) / spans;
  return { raw: aSpan(rawTables), published: aSpan(publishedTables) };
}

async function measureLatency(brokers: string[], spansASecond: number, probes: number): Promise<void> {
  const topic = `${TOPIC}_latency`;
  const cores = `0-${availableParallelism() - 1}`;
  const server = await launchClickHouseServer();
  const url = `${server.url}/default`;
  const clickhouse = await openClickHouse({ url });
  try {
    await createTopics(brokers, topic);
    await migrate(clickhouse.writing);
    const environment = { ORIGINSCOPE_BROKERS: brokers.join(','), ORIGINSCOPE_TOPIC: topic };
    const consume = await startOriginscope(
      'consume',
      { ...environment, ORIGINSCOPE_CLICKHOUSE: url },
      { cores },
    );
    const receive = await startOriginscope('receive', environment, { cores });
    const { reading } = clickhouse;
    const { millis } = await latencies({ url: receive.url, reading, spansASecond, probes });
    await receive.end();
    await consume.end();
    const sorted = millis.toSorted((a, b) => a - b);
    const at = (q: number): string => ((sorted[Math.ceil(q * sorted.length) - 1] ?? 0) / 1000).toFixed(2);
    console.log(
      `\nreceive to visible beside ${Math.round(spansASecond).toLocaleString('en')} spans/s, ` +
        `${probes} probes: p50 ${at(0.5)} s, p95 ${at(0.95)} s, most ${at(1)} s`,
    );
  } finally {
    await clickhouse.close();
    await server.stop();
  }
}

function createTopics(brokers: readonly string[], topic: string): Promise<void> {
  return mustRunOriginscope(['topics', 'create', '--partitions', String(PARTITIONS)], {
    ORIGINSCOPE_BROKERS: brokers.join(','),
    ORIGINSCOPE_TOPIC: topic,
  });
}
