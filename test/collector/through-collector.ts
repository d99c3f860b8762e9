import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { type ClickHouse, openClickHouse } from '../../clickhouse/connection.ts';
import type { Mismatch } from '../../examples/browsers/ledger.ts';
import { exercise } from '../../examples/exercise.ts';
import { selfCheck } from '../../examples/self-check.ts';
import { launchClickHouseServer } from '../support/clickhouse-server/launch.ts';
import { freePort } from '../support/free-port.ts';
import { KAFKA_PASSWORD, KAFKA_USER, type KafkaNode, startKafka } from '../support/kafka.ts';
import { type Counts, type Kept, publishAndRead } from '../support/ledger.ts';
import { launchCollector, type RunningCollector } from '../support/opentelemetry-collector/launch.ts';
import { mustRunOriginscope } from '../support/originscope.ts';
import { seeded } from '../support/otlp-bodies.ts';
import { startOriginscope } from '../support/running-originscope.ts';
import { startSenders } from '../support/senders.ts';
import { unread } from '../support/unread.ts';
import { until } from '../support/until.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/opentelemetry-collector/config.yaml');
/** Longer than the timeout of the Collector's exporter (5 s), so that it retries what was written. */
const BROKER_STOPPED_MILLIS = 8_000;

/** The configuration of a Collector of the test. */
interface Place {
  readonly port: number;
  readonly brokers: readonly string[];
  /** The same brokers, at the listener with a password. */
  readonly withPassword: readonly string[];
  readonly topic: string;
}

export interface Served {
  readonly exchanges: number;
  /** The differences between browsers and ClickHouse. */
  readonly mismatches: readonly Mismatch[];
}

/**
 * The example services, used by browsers, report to a Collector with the example's configuration. It is
 * restarted once, and once the broker does not answer for so long that messages are sent again.
 */
export async function fromServices(options: {
  readonly millis: number;
  readonly progress: (line: string) => void;
}): Promise<Served> {
  const { millis, progress } = options;
  return withPipeline(async (place, node, clickhouse) => {
    let collector = await exampleCollector(place);
    const ended = new AbortController();
    const traffic = exercise({
      collectorUrl: `http://127.0.0.1:${place.port}`,
      millis,
      signal: ended.signal,
      realPages: false,
      now: Date.now,
    });
    const faults = async (): Promise<void> => {
      await delay(millis / 3);
      progress('restarting the Collector');
      await collector.end();
      collector = await exampleCollector(place);
      await delay(millis / 6);
      progress('the broker does not answer');
      node.stop();
      await delay(BROKER_STOPPED_MILLIS);
      node.resume();
    };
    try {
      const [{ ledger }] = await Promise.all([traffic, faults()]);
      return async () => {
        const { mismatches } = await selfCheck(clickhouse.reading, ledger);
        return { exchanges: ledger.exchanges, mismatches };
      };
    } finally {
      ended.abort();
      // With what it holds.
      await collector.end();
    }
  });
}

export interface Killed {
  /** Batches that were acknowledged, and how often one was sent. */
  readonly batches: number;
  readonly sends: number;
  readonly ledger: Counts;
  readonly kept: Kept;
}

/**
 * Senders that batch retries differently, and a Collector that responds once Kafka has the spans and is
 * killed repeatedly: it is never known whether unacknowledged spans were written.
 */
export async function fromSenders(options: {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}): Promise<Killed> {
  const { kills, seed, progress } = options;
  return withPipeline(async (place, _node, clickhouse) => {
    let collector = await synchronousCollector(place);
    const random = seeded(seed);
    const senders = startSenders({ senders: 4, urls: [`http://127.0.0.1:${place.port}`], random });
    for (let kill = 1; kill <= kills; kill++) {
      const target = senders.acknowledged + 5 + Math.floor(random() * 50);
      await Promise.race([senders.failure, until(() => senders.acknowledged >= target)]);
      await collector.end('SIGKILL');
      progress(
        `kill ${kill} of ${kills}: ${senders.acknowledged} batches acknowledged, ${senders.sends} sent`,
      );
      collector = await synchronousCollector(place);
    }
    await senders.finish();
    await collector.end();
    return async () => ({
      batches: senders.acknowledged,
      sends: senders.sends,
      ledger: senders.ledger,
      // A time at which the slots of the present are closed.
      kept: await publishAndRead(clickhouse, Date.now() + 3_600_000),
    });
  });
}

/** Topics, tables, broker, `originscope consume` and ClickHouse. What the work returns is called when everything is stored. */
async function withPipeline<Result>(
  work: (place: Place, node: KafkaNode, clickhouse: ClickHouse) => Promise<() => Promise<Result>>,
): Promise<Result> {
  const topic = 'otlp_spans';
  const cleanups: (() => Promise<unknown>)[] = [];
  try {
    const { brokers, sasl, nodes, close } = await startKafka();
    cleanups.push(close);
    const server = await launchClickHouseServer();
    cleanups.push(server.stop);
    const url = `${server.url}/default`;
    const clickhouse = await openClickHouse({ url });
    cleanups.push(clickhouse.close);
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    cleanups.push(() => admin.disconnect());
    const environment = { ORIGINSCOPE_BROKERS: brokers.join(','), ORIGINSCOPE_CLICKHOUSE: url };
    await mustRunOriginscope(['topics', 'create', '--partitions', '3'], environment);
    await mustRunOriginscope(['migrate'], environment);
    const consume = await startOriginscope('consume', environment);
    cleanups.push(consume.end);
    const read = await work(
      { port: await freePort(), brokers, withPassword: sasl, topic },
      nodes[0] as KafkaNode,
      clickhouse,
    );
    await until(async () => (await unread(admin, topic, 'originscope')) === 0, 100);
    return await read();
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** As the example has it, elsewhere. */
async function exampleCollector({ port, withPassword: brokers, topic }: Place): Promise<RunningCollector> {
  return launchCollector(
    {
      receivers: {
        otlp: {
          protocols: {
            grpc: { endpoint: `127.0.0.1:${await freePort()}` },
            http: { endpoint: `127.0.0.1:${port}` },
          },
        },
      },
      exporters: { kafka: { brokers, traces: { topic } } },
    },
    { base: EXAMPLE, environment: { KAFKA_USER, KAFKA_PASSWORD } },
  );
}

/** Without a queue: acknowledged spans are in Kafka. */
function synchronousCollector({ port, brokers, topic }: Place): Promise<RunningCollector> {
  return launchCollector({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: {
      kafka: {
        brokers,
        traces: { topic, encoding: 'otlp_json' },
        producer: { required_acks: -1, compression: 'snappy' },
        sending_queue: { enabled: false },
      },
    },
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['kafka'] } } },
  });
}
