import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { ClickHouse } from '../../../clickhouse/connection.ts';
import type { Retention } from '../../../clickhouse/retention.ts';
import { opening } from '../../../core/closers.ts';
import { createRetrier } from '../../../core/outage-retrier.ts';
import type { InboundTracestate, SamplingRatios } from '../../derivation/sampling.ts';
import type { WriteWatch } from '../../ingest/write-watch.ts';
import type { WriterCounters } from '../../ingest/writer.ts';
import { derivationRules } from '../../otlp/decode.ts';
import { startPipeline } from '../../pipeline.ts';
import { kafkaAt, kafkaUnavailable, withAdmin } from '../client/connection.ts';
import type { KafkaLocation } from '../client/options.ts';
import { type Positions, positionsOf } from '../client/positions.ts';
import { readTopic } from '../client/topic.ts';
import { createDeadLetters } from '../dead-letters/dead-letters.ts';
import { type ConsumerCounters, noConsumerCounts } from './consumer-counters.ts';
import { consumerMetrics } from './consumer-metrics.ts';
import { type RunningConsumer, startGroupConsumer } from './group-consumer.ts';
import { createIntake } from './intake.ts';

export interface ConsumeOptions {
  /** With the current schema. The caller closes it. */
  readonly clickhouse: ClickHouse;
  readonly kafka: KafkaLocation;
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly group: string;
  /** Session timeout after which an unresponsive consumer loses its partitions. */
  readonly sessionTimeoutMillis: number;
  readonly retention: Retention;
  /** Sampling ratios of the HTTP spans that decisions are derived from. */
  readonly samplingRatios?: SamplingRatios | undefined;
  /** Whether the tracestate of a request counts where no ratio is given. Default `ignored`. */
  readonly inboundTracestate?: InboundTracestate;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Its metrics are added to it. */
  readonly registry?: Registry;
  /** Stops waiting for Kafka at the start. */
  readonly signal?: AbortSignal;
  /** Delays between retries of a failed write; the last one repeats. */
  readonly waitMillis?: readonly number[];
  /** How often disks are checked and failed writes are retried. */
  readonly watchMillis?: number;
  /** How long to wait for messages in progress at shutdown. */
  readonly graceMillis?: number;
}

/** Consumer, writer and publisher between Kafka and a ClickHouse, in this process. */
export interface Consume {
  readonly counters: Readonly<ConsumerCounters>;
  readonly written: Readonly<WriterCounters>;
  /** Disks of ClickHouse's nodes, as last seen. */
  readonly disks: WriteWatch['disks'];
  /**
   * What it waits for, in sentences: group membership, ClickHouse, the dead-letter topic. Empty while it is
   * ready.
   */
  missing(): Promise<readonly string[]>;
  /** Slots that cannot be published, in sentences; they do not affect readiness. */
  readonly troubles: readonly string[];
  isReady(): Promise<boolean>;
  /** Writes and commits messages in progress, leaves the group, waits for a running publication. */
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** Linger of an insert: rows of several messages and partitions share it. */
const LINGER_MILLIS = 200;

/** Short: longer outages are waited out by the intake, which keeps sending heartbeats and logs them. */
const RETRY_MILLIS = [100, 500] as const;

/**
 * Waits until Kafka answers.
 *
 * @throws OriginscopeError `KAFKA_DENIED`, `TOPIC_MISSING`; the signal's reason
 */
export function startConsume(options: ConsumeOptions): Promise<Consume> {
  const { topic, group, log, now } = options;
  const { registry = new Registry() } = options;
  const counters = noConsumerCounts();
  const kafka = kafkaAt(options.kafka, log);
  const positions = positionsOf(kafka, { topic, group });
  const onceKafkaAnswers = waitingForKafka(options);
  let consumer: RunningConsumer | undefined;

  return opening(async (closers) => {
    const pipeline = startPipeline({
      clickhouse: options.clickhouse,
      retention: options.retention,
      registry,
      log,
      now,
      watchMillis: options.watchMillis,
      limits: { lingerMillis: LINGER_MILLIS, admissionMillis: 'unlimited', retryMillis: RETRY_MILLIS },
      // The intake logs them while it waits for ClickHouse.
      callerLogsFailures: true,
      hasArrived: (before) => hasArrived(before, positions, counters, options),
      // One member of the group publishes; two or none during a rebalance do no harm.
      isOurs: () => consumer?.assigned.has(0) === true,
    });
    closers.add(pipeline.close);
    consumerMetrics(registry, counters);

    await onceKafkaAnswers(() =>
      withAdmin(kafka, async (admin) => {
        await readTopic(admin, topic);
        await readTopic(admin, options.deadLetterTopic);
      }),
    );
    const deadLetters = await onceKafkaAnswers(() => createDeadLetters(kafka, options.deadLetterTopic));
    closers.add(deadLetters.close);
    const intake = createIntake({
      writer: pipeline.writer,
      deadLetters,
      rules: derivationRules(options.samplingRatios, options.inboundTracestate),
      retention: options.retention,
      counters,
      log,
      now,
      waitMillis: options.waitMillis,
    });
    const running = await onceKafkaAnswers(() =>
      startGroupConsumer({
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
    );
    consumer = running;
    closers.add(running.stop);

    async function missing(): Promise<readonly string[]> {
      const ofClickHouse = await pipeline.missing();
      return [
        ...(running.isMember() ? [] : [`Not a member of the consumer group ${group}`]),
        ...ofClickHouse,
        ...(ofClickHouse.length === 0 && intake.isWaiting()
          ? ['Messages in progress wait for ClickHouse or the dead-letter topic']
          : []),
      ];
    }

    return {
      counters,
      written: pipeline.writer.counters,
      get disks() {
        return pipeline.disks;
      },
      missing,
      get troubles() {
        return pipeline.troubles;
      },
      isReady: async () => (await missing()).length === 0,
      close: closers.close,
    };
  });
}

/** @returns what tries a piece of work until Kafka answers, and says in the log that it waits */
function waitingForKafka({ kafka, log, now, waitMillis, signal = NEVER }: ConsumeOptions) {
  const retrier = createRetrier({
    messages: { failing: 'Kafka does not respond yet; retrying', recovered: 'Kafka responds' },
    log,
    now,
    delaysMillis: waitMillis,
  });
  return <Result>(work: () => Promise<Result>): Promise<Result> =>
    retrier.run(
      () =>
        work().catch((cause: unknown) => {
          throw kafkaUnavailable(kafka, cause);
        }),
      signal,
    );
}

/** Whether the group has read everything that was sent before a time: until then raw days are kept. */
async function hasArrived(
  before: number,
  positions: Positions,
  counters: ConsumerCounters,
  { topic, log }: ConsumeOptions,
): Promise<boolean> {
  if (await positions.hasRead(before)) return true;
  counters.cleaningsHeld++;
  log.warn(
    { topic, before: new Date(before).toISOString() },
    'raw days are kept longer: messages that may belong to them have not been read yet',
  );
  return false;
}
