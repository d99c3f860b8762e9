import type { CompressionTypes, Kafka, Message, Producer } from 'kafkajs';
import { createPartitionChoice } from './partition-choice.ts';

export interface BatchProducerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly compression: CompressionTypes;
  /** How long a batch is retried. */
  readonly deadlineMillis: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface BatchProducer {
  /**
   * Writes all messages to one partition, atomically; resolves when its in-sync replicas have them.
   *
   * @throws errors of kafkajs; Error after the deadline. The batch may be in Kafka nevertheless.
   */
  send(messages: readonly Message[]): Promise<void>;
  /** Call it when nothing is being sent any more. */
  close(): Promise<void>;
}

/** One idempotent producer identity. */
interface Session {
  readonly producer: Producer;
  readonly connected: Promise<void>;
  /** Pending operations of kafkajs, even after their deadline. */
  readonly pending: Set<Promise<unknown>>;
}

/** How often metadata is refreshed, so that added partitions are used. */
const METADATA_MILLIS = 30_000;

/**
 * An idempotent producer that survives broker failures. kafkajs 2.2.4 is only idempotent if these rules are
 * followed:
 * - A batch has one partition, which does not change when kafkajs retries. Otherwise it would call its
 *   partitioner again and send other messages under the same sequence numbers, which the broker would drop
 *   as duplicates; and of a batch for several leaders it would lose a part whose partition moved.
 * - A partition has one batch at a time: after an error kafkajs resets the sequence numbers, and the next
 *   batch would reuse those of one that may have arrived.
 * - For the same reason nothing is sent under an identity that failed: a new one is created.
 */
export function createBatchProducer(options: BatchProducerOptions): BatchProducer {
  const { kafka, topic, compression, deadlineMillis, now } = options;
  const choice = createPartitionChoice(now);
  const ending = new Set<Promise<void>>();
  let current: Session | undefined;

  function begin(): Session {
    const producer = kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      metadataMaxAge: METADATA_MILLIS,
      retry: { retries: 2 },
      createPartitioner:
        () =>
        ({ message, partitionMetadata }) => {
          choice.setCount(partitionMetadata.length);
          return message.partition ?? 0;
        },
    });
    return { producer, connected: producer.connect(), pending: new Set() };
  }

  /** Keeps the connections for pending operations: they would open new ones, which would never be closed. */
  function end(session: Session): void {
    if (current !== session) return;
    current = undefined;
    const ended = Promise.allSettled([session.connected, ...session.pending])
      .then(() => session.producer.disconnect())
      .catch(() => undefined)
      .finally(() => ending.delete(ended));
    ending.add(ended);
  }

  async function send(messages: readonly Message[]): Promise<void> {
    const partition = await choice.acquire();
    current ??= begin();
    const session = current;
    const sent = session.connected.then(() =>
      session.producer.send({
        topic,
        acks: -1,
        timeout: deadlineMillis,
        compression,
        messages: messages.map((message) => ({ ...message, partition })),
      }),
    );
    session.pending.add(sent);
    sent.catch(() => undefined).finally(() => session.pending.delete(sent));
    try {
      await withinDeadline(sent, deadlineMillis);
      choice.release(partition, true);
    } catch (error) {
      choice.release(partition, false);
      end(session);
      throw error;
    }
  }

  async function close(): Promise<void> {
    if (current !== undefined) end(current);
    await Promise.all(ending);
  }

  return { send, close };
}

async function withinDeadline(work: Promise<unknown>, millis: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no response within ${millis} ms`)), millis);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
