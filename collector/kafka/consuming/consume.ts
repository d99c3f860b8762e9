import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { ClickHouse } from '../../../clickhouse/connection.ts';
import type { Retention } from '../../../clickhouse/retention.ts';
import { createRetrier } from '../../../core/retrier.ts';
import { stuckText } from '../../../reports/publication-state.ts';
import type { InboundTracestate, SamplingRatios } from '../../derivation/sampling.ts';
import { writeMetrics } from '../../ingest/write-metrics.ts';
import { startWriteWatch, type WriteWatch } from '../../ingest/write-watch.ts';
import { createWriter, type WriterCounters } from '../../ingest/writer.ts';
import { consumerMetrics, writerMetrics } from '../../metrics/metrics.ts';
import { derivationRules } from '../../otlp/decode.ts';
import { startChores } from '../../publication/chores.ts';
import { publicationMetrics } from '../../publication/publication-metrics.ts';
import { startPublicationWatch } from '../../publication/publication-watch.ts';
import { createPublisher } from '../../publication/publisher.ts';
import { readTopic } from '../admin/topics.ts';
import { type KafkaLocation, kafkaAt, kafkaUnavailable, withAdmin } from '../client/connection.ts';
import { positionsOf } from '../client/positions.ts';
import { createDeadLetters } from '../dead-letters/dead-letters.ts';
import { startConsumer } from './consumer.ts';
import { type ConsumerCounters, noConsumerCounts } from './consumer-counters.ts';
import { createIntake } from './intake.ts';

export interface ConsumeOptions {
  /** With the present schema; whoever opened it closes it. */
  readonly clickhouse: ClickHouse;
  readonly kafka: KafkaLocation;
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly group: string;
  /** After which a silent consumer loses its partitions. */
  readonly sessionTimeoutMillis: number;
  readonly retention: Retention;
  /** By which ratio services sample the HTTP spans that decisions are derived from. */
  readonly samplingRatios?: SamplingRatios | undefined;
  /** Whether the tracestate of a request says it where no ratio was given. Default `ignored`. */
  readonly inboundTracestate?: InboundTracestate;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What it tells about itself is added to it. */
  readonly registry?: Registry;
  /** Ends the waiting for Kafka at the start. */
  readonly signal?: AbortSignal;
  /** Between tries of a write that failed; the last one goes on. */
  readonly waitMillis?: readonly number[];
  /** How often the disks are looked at, and a write is tried again that failed. */
  readonly watchMillis?: number;
  /** How long what is in hand is waited for at the end. */
  readonly graceMillis?: number;
}

/** Consumer, writer and publisher between Kafka and a ClickHouse, in this process. */
export interface Consume {
  readonly counters: Readonly<ConsumerCounters>;
  readonly written: Readonly<WriterCounters>;
  /** Of ClickHouse's nodes, as they were seen last. */
  readonly disks: WriteWatch['disks'];
  /**
   * What it waits for, in sentences: membership of its group, ClickHouse, the dead-letter topic. Empty while it
   * is ready.
   */
  missing(): Promise<readonly string[]>;
  /** Slots that cannot be published, in sentences: they do not make it unready. */
  readonly troubles: readonly string[];
  isReady(): Promise<boolean>;
  /** Writes and commits what is in hand, leaves the group, lets a publication finish. */
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** An insert waits so long for company: rows of several messages and partitions share it. */
const LINGER_MILLIS = 200;

/** Short: what fails longer is waited for while heartbeats go out, and said so. */
const RETRY_MILLIS = [100, 500] as const;

/**
 * Waits until Kafka answers.
 *
 * @throws OriginscopeError `KAFKA_DENIED`, `TOPIC_MISSING`; the signal's reason
 */
export async function startConsume(options: ConsumeOptions): Promise<Consume> {
  const { clickhouse, topic, group, retention, log, now } = options;
  const { registry = new Registry(), signal = NEVER } = options;
  const counters = noConsumerCounts();
  const kafka = kafkaAt(options.kafka, log);
  const positions = positionsOf(kafka, { topic, group });
  const metrics = writerMetrics(registry, () => writer.counters);
  const watch = startWriteWatch({
    clickhouse,
    write: (spans) => writer.write(spans),
    log,
    now,
    // By the intake, which waits for ClickHouse with what was read.
    isToldElsewhere: true,
    ...(options.watchMillis !== undefined && { everyMillis: options.watchMillis }),
  });
  const writer = createWriter({
    client: clickhouse.writing,
    now,
    lingerMillis: LINGER_MILLIS,
    admissionMillis: 'unlimited',
    retryMillis: RETRY_MILLIS,
    inserted(spans, seconds) {
      metrics.inserted(spans, seconds);
      watch.inserted();
    },
    failed: watch.failed,
  });
  writeMetrics(registry, watch);
  publicationMetrics(registry, clickhouse.reading, now);
  const kafkaRetrier = createRetrier({
    messages: { failing: 'Kafka does not answer yet; retrying', recovered: 'Kafka answers' },
    log,
    now,
    delaysMillis: options.waitMillis,
  });
  const onceKafkaAnswers = <Result>(work: () => Promise<Result>): Promise<Result> =>
    kafkaRetrier.run(
      () =>
        work().catch((cause: unknown) => {
          throw kafkaUnavailable(options.kafka, cause);
        }),
      signal,
    );

  await onceKafkaAnswers(() =>
    withAdmin(kafka, async (admin) => {
      await readTopic(admin, topic);
      await readTopic(admin, options.deadLetterTopic);
    }),
  );
  const deadLetters = await onceKafkaAnswers(() => createDeadLetters(kafka, options.deadLetterTopic));
  const intake = createIntake({
    writer,
    deadLetters,
    rules: derivationRules(options.samplingRatios, options.inboundTracestate),
    retention,
    counters,
    log,
    now,
    waitMillis: options.waitMillis,
  });
  const consumer = await onceKafkaAnswers(() =>
    startConsumer({
      kafka,
      topic,
      group,
      positions,
      sessionTimeoutMillis: options.sessionTimeoutMillis,
      ...(options.graceMillis !== undefined && { graceMillis: options.graceMillis }),
      take: intake.take,
      counters,
      log,
    }),
  ).catch(async (error: unknown) => {
    await deadLetters.close();
    throw error;
  });

  async function hasArrived(before: number): Promise<boolean> {
    if (await positions.hasRead(before)) return true;
    counters.cleaningsHeld++;
    log.warn(
      { topic, before: new Date(before).toISOString() },
      'raw days are kept longer: messages that may belong to them are not read yet',
    );
    return false;
  }

  const publisher = createPublisher({
    client: clickhouse.publishing,
    dialect: clickhouse.dialect,
    now,
    retention,
    hasArrived,
  });
  const chores = startChores({
    publisher,
    log,
    now,
    // One of the group, whoever it is; in a rebalance two or none, which is as good.
    isOurs: () => consumer.assigned.has(0),
  });

  const publication = startPublicationWatch(clickhouse.reading, options.watchMillis);
  consumerMetrics(registry, counters);

  async function missing(): Promise<readonly string[]> {
    const ofClickHouse = await watch.missing();
    return [
      ...(consumer.isMember() ? [] : [`It is not a member of the consumer group ${group}`]),
      ...ofClickHouse,
      ...(ofClickHouse.length === 0 && intake.isWaiting()
        ? ['What was read waits for ClickHouse or the dead-letter topic']
        : []),
    ];
  }

  return {
    counters,
    written: writer.counters,
    get disks() {
      return watch.disks;
    },
    missing,
    get troubles() {
      return publication.stuck.map(stuckText);
    },
    isReady: async () => (await missing()).length === 0,
    async close() {
      await consumer.stop();
      await Promise.all([
        writer.close(),
        watch.stop(),
        publication.stop(),
        deadLetters.close(),
        chores.stop(),
      ]);
    },
  };
}
