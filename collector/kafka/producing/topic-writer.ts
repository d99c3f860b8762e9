import type { Message } from 'kafkajs';
import type { Logger } from 'pino';
import { hasCode, OriginscopeError } from '../../../core/errors.ts';
import {
  createGroupCommit,
  type GroupCommitCounters,
  type GroupCommitLimits,
} from '../../ingest/group-commit.ts';
import type { AcceptedRequest } from '../../otlp/trace-export.ts';
import {
  COMPRESSION_TYPES,
  isTooLarge,
  type KafkaTimeouts,
  kafkaAt,
  kafkaErrorType,
  kafkaUnavailable,
  withAdmin,
} from '../client/connection.ts';
import { headersFor } from '../client/message.ts';
import type { Compression, KafkaLocation } from '../client/options.ts';
import { readTopic, type Topic, topicMissing } from '../client/topic.ts';
import { createBatchProducer } from './producer.ts';
import { splitBody } from './split.ts';
import { watchTopic } from './topic-watch.ts';

export interface TopicWriterOptions {
  readonly kafka: KafkaLocation;
  readonly topic: string;
  readonly compression: Compression;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How often the topic is looked for. Default 5,000. */
  readonly watchMillis?: number | undefined;
}

/** Writes accepted requests to a Kafka topic. */
export interface TopicWriter {
  /**
   * Resolves when all in-sync replicas have the request: one message, or several if it exceeds the topic's message size.
   *
   * @throws OriginscopeError `OVERLOADED`, `WRITE_FAILED`, `WRITER_CLOSED` (retryable), `BODY_TOO_LARGE`
   */
  write(request: AcceptedRequest): Promise<void>;
  /** Whether the topic exists and no batch failed recently. */
  isReady(): boolean;
  /** What became of messages; an `insert` is a batch. */
  readonly counters: Readonly<GroupCommitCounters>;
  /** Writes pending messages, then accepts no more. */
  close(): Promise<void>;
}

const MIB = 1024 ** 2;

const LIMITS: GroupCommitLimits = {
  lingerMillis: 5,
  maxInsertRows: 1_000,
  maxInsertBytes: MIB,
  maxPendingBytes: 64 * MIB,
  admissionMillis: 2_000,
  // One retry, on another partition: senders wait ten seconds and retry themselves.
  retryMillis: [100],
};
const DEADLINE_MILLIS = 4_500;
const TIMEOUTS: KafkaTimeouts = {
  connectionTimeout: 2_000,
  requestTimeout: 4_000,
  retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 400 },
};
const WATCH_MILLIS = 5_000;
/** How long a failed batch makes the receiver unready. */
const UNREADY_MILLIS = 10_000;

/** Overhead of a message in a batch. */
const ENVELOPE_BYTES = 128;

/** Bytes available for bodies and envelopes of a batch, with a margin for data that a codec makes larger. */
const roomIn = ({ config }: Topic): number => {
  const maxBytes = Number(config['max.message.bytes']);
  return maxBytes - Math.ceil(maxBytes / 128) - 256;
};

/** @throws OriginscopeError `TOPIC_MISSING`, `KAFKA_DENIED`. Not when no broker answers yet. */
export async function createTopicWriter(options: TopicWriterOptions): Promise<TopicWriter> {
  const { log } = options;
  // kafkajs logs every attempt; only the state changes are logged here.
  const kafka = kafkaAt(options.kafka, log.child({}, { level: 'error' }), TIMEOUTS);
  const unavailable = (error: unknown): OriginscopeError => {
    if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return topicMissing(options.topic, error);
    return kafkaUnavailable(options.kafka, error);
  };

  await withAdmin(kafka, (admin) => readTopic(admin, options.topic)).catch((cause: unknown) => {
    const error = unavailable(cause);
    if (!error.retryable) throw error;
  });
  const watch = watchTopic({
    kafka,
    topic: options.topic,
    everyMillis: options.watchMillis ?? WATCH_MILLIS,
    changed(error) {
      if (error === undefined) log.info({ topic: options.topic }, 'Kafka responds');
      else log.error({ err: unavailable(error) }, 'Kafka cannot be written to; senders are asked to retry');
    },
  });
  const producer = createBatchProducer({
    kafka,
    topic: options.topic,
    compression: COMPRESSION_TYPES[options.compression],
    deadlineMillis: DEADLINE_MILLIS,
    now: options.now,
  });
  let failedAt = Number.NEGATIVE_INFINITY;
  async function insert(messages: readonly Message[]): Promise<void> {
    try {
      const room = roomIn(await watch.topic());
      for (const batch of batchesOf(messages, room)) await producer.send(batch);
      failedAt = Number.NEGATIVE_INFINITY;
    } catch (cause) {
      if (isTooLarge(cause)) throw cause;
      failedAt = performance.now();
      throw unavailable(cause);
    }
  }
  const counters = { written: 0, refused: 0, failed: 0, overloaded: 0, inserts: 0, retries: 0 };
  const commits = createGroupCommit<Message>(
    { name: `topic ${options.topic}`, mostInFlight: 3, insert, bytesOf, isRejection: isTooLarge },
    LIMITS,
    counters,
  );

  async function write({ body, encoding }: AcceptedRequest): Promise<void> {
    const topic = await watch.topic().catch((cause) => {
      throw notWritten(options.topic, unavailable(cause));
    });
    const parts = splitBody(body, encoding, roomIn(topic) - ENVELOPE_BYTES);
    try {
      await commits.add(parts.map((value) => ({ value, headers: headersFor(encoding) })));
    } catch (error) {
      throw hasCode(error, 'ROW_REFUSED') ? bodyTooLarge(error) : error;
    }
  }

  return {
    write,
    isReady: () => watch.isThere && performance.now() - failedAt > UNREADY_MILLIS,
    counters,
    async close() {
      await commits.close();
      await Promise.all([producer.close(), watch.stop()]);
    },
  };
}

const bytesOf = ({ value }: Message): number => ENVELOPE_BYTES + (value?.length ?? 0);

/** Splits messages into batches of at most this many bytes, in order. */
function batchesOf(messages: readonly Message[], maxBytes: number): Message[][] {
  const batches: Message[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const last = batches.at(-1);
    bytes += bytesOf(message);
    if (last !== undefined && bytes <= maxBytes) last.push(message);
    else {
      batches.push([message]);
      bytes = bytesOf(message);
    }
  }
  return batches;
}

/** Retryable: once the cause is fixed, the same request is accepted. */
function notWritten(topic: string, cause: OriginscopeError): OriginscopeError {
  return new OriginscopeError('WRITE_FAILED', { destination: `Topic ${topic}`, cause });
}

function bodyTooLarge(cause: unknown): OriginscopeError {
  return new OriginscopeError('BODY_TOO_LARGE', {
    problem: 'larger than the topic accepts',
    cause,
    remedy: 'Send smaller batches, or raise max.message.bytes of the topic.',
  });
}
