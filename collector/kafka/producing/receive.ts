import type { Message } from 'kafkajs';
import type { Logger } from 'pino';
import { hasCode, OriginscopeError } from '../../../core/errors.ts';
import type { Binding } from '../../../server/binding.ts';
import {
  createGroupCommit,
  type GroupCommitCounters,
  type GroupCommitLimits,
} from '../../ingest/group-commit.ts';
import { createRegistry } from '../../metrics/metrics.ts';
import type { ReceiverCounters } from '../../otlp/counters.ts';
import { createReceiver } from '../../otlp/receiver.ts';
import type { AcceptedRequest } from '../../otlp/trace-export.ts';
import { readTopic, type Topic, topicMissing } from '../admin/topics.ts';
import {
  COMPRESSION_TYPES,
  type Compression,
  isTooLarge,
  type KafkaLocation,
  type KafkaTimeouts,
  kafkaAt,
  kafkaErrorType,
  kafkaUnavailable,
  withAdmin,
} from '../client/connection.ts';
import { headersFor } from '../client/message.ts';
import { createBatchProducer } from './producer.ts';
import { producerMetrics } from './producer-metrics.ts';
import { splitBody } from './split.ts';
import { watchTopic } from './topic-watch.ts';

export interface ReceiveOptions extends Binding {
  /** 0 takes a free one. */
  readonly port: number;
  readonly kafka: KafkaLocation;
  readonly topic: string;
  readonly compression: Compression;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How often the topic is looked for. Default 5,000. */
  readonly watchMillis?: number;
}

/** Receiver and producer, in this process. */
export interface Receive {
  /** Where to send OTLP/HTTP, without `/v1/traces`. */
  readonly url: string;
  readonly counters: Readonly<ReceiverCounters>;
  /** What became of messages; an `insert` is a batch. */
  readonly produced: Readonly<GroupCommitCounters>;
  /** Finishes the requests that are held, then closes. */
  close(): Promise<void>;
}

const MIB = 1024 ** 2;

const LIMITS: GroupCommitLimits = {
  lingerMillis: 5,
  maxInsertRows: 1_000,
  maxInsertBytes: MIB,
  maxPendingBytes: 64 * MIB,
  admissionMillis: 2_000,
  // Once, on another partition: senders wait ten seconds, and try again themselves.
  retryMillis: [100],
};
const DEADLINE_MILLIS = 4_500;
const TIMEOUTS: KafkaTimeouts = {
  connectionTimeout: 2_000,
  requestTimeout: 4_000,
  retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 400 },
};
const WATCH_MILLIS = 5_000;
/** How long after a batch that failed nothing more is asked for. */
const UNREADY_MILLIS = 10_000;

/** What a message takes in a batch beside its body. */
const ENVELOPE_BYTES = 128;

/** Bytes of bodies and envelopes of a batch: what a codec makes larger has to fit as well. */
const roomIn = ({ config }: Topic): number => {
  const maxBytes = Number(config['max.message.bytes']);
  return maxBytes - Math.ceil(maxBytes / 128) - 256;
};

/**
 * The OTLP door in front of Kafka: each request that holds decision spans becomes one message, or a few where the
 * topic takes no message as large, and is answered when all in-sync replicas have it. While Kafka is away requests
 * are answered with 503.
 *
 * @throws OriginscopeError `TOPIC_MISSING`, `KAFKA_DENIED`; `PORT_…`, `HOST_…`. Not when no broker answers yet.
 */
export async function startReceive(options: ReceiveOptions): Promise<Receive> {
  const { log, now } = options;
  // kafkajs tells every try; what matters of it is said here once.
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
      if (error === undefined) log.info({ topic: options.topic }, 'Kafka answers');
      else log.error({ err: unavailable(error) }, 'Kafka cannot be written to; senders are told to wait');
    },
  });
  const producer = createBatchProducer({
    kafka,
    topic: options.topic,
    compression: COMPRESSION_TYPES[options.compression],
    deadlineMillis: DEADLINE_MILLIS,
    now,
  });
  let failedAt = Number.NEGATIVE_INFINITY;
  const produced = { written: 0, refused: 0, failed: 0, overloaded: 0, inserts: 0, retries: 0 };
  const commits = createGroupCommit<Message>(
    {
      name: `topic ${options.topic}`,
      mostInFlight: 3,
      async insert(messages) {
        try {
          const room = roomIn(await watch.topic());
          for (const batch of batchesOf(messages, room)) await producer.send(batch);
          failedAt = Number.NEGATIVE_INFINITY;
        } catch (cause) {
          if (isTooLarge(cause)) throw cause;
          failedAt = now();
          throw unavailable(cause);
        }
      },
      bytesOf,
      isRejection: isTooLarge,
    },
    LIMITS,
    produced,
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

  const registry = createRegistry();
  producerMetrics(registry, produced);
  const close = async (): Promise<void> => {
    await commits.close();
    await Promise.all([producer.close(), watch.stop()]);
  };
  try {
    const receiver = createReceiver({
      ...options,
      logger: log.child({}, { level: 'warn' }),
      registry,
      write,
      ready: () => watch.isThere && now() - failedAt > UNREADY_MILLIS,
      health: () => ({ producer: produced }),
    });
    return {
      url: await receiver.listen(),
      counters: receiver.counters,
      produced,
      async close() {
        await receiver.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const bytesOf = ({ value }: Message): number => ENVELOPE_BYTES + (value?.length ?? 0);

/** The messages in batches of at most so many bytes, in their order. */
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

/** Retryable whatever the cause is: once it is fixed, the same request is accepted. */
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
