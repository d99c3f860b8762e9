import type { CompressionTypes, Kafka, Message, Producer } from 'kafkajs';
import { createPartitionChoice } from './partition-choice.ts';

export interface BatchProducerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly compression: CompressionTypes;
  /** How long a batch is tried. */
  readonly deadlineMillis: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface BatchProducer {
  /**
   * Writes the messages to one partition, all of them or none; resolves when its in-sync replicas have them.
   *
   * @throws errors of kafkajs; Error when the deadline has passed. The batch may be in Kafka all the same.
   */
  send(messages: readonly Message[]): Promise<void>;
  /** To be called when nothing is sent any more. */
  close(): Promise<void>;
}

/** One producer identity, as Kafka counts it. */
interface Session {
  readonly producer: Producer;
  readonly connected: Promise<void>;
  /** What kafkajs is at, also after its deadline. */
  readonly pending: Set<Promise<unknown>>;
}

/** Partitions that were added get their share after this. */
const METADATA_MILLIS = 30_000;

/**
 * An idempotent producer that survives its brokers. kafkajs 2.2.4 keeps the promise of idempotence only within
 * rules that this keeps for it:
 * - A batch has one partition, which stays the same when kafkajs tries it again. It would ask its partitioner
 *   anew, send other messages under the same sequence numbers, and the broker would drop them as duplicates.
 *   And of a batch for several leaders it would forget a part whose partition moved between them.
 * - A partition has one batch at a time: after an error kafkajs takes the sequence numbers back, and the next
 *   batch would be sent under those of one that may have arrived.
 * - For the same reason nothing is sent under an identity that failed: a new one begins.
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

  /** Leaves those that are under way their connections: they would open new ones, and nobody would close them. */
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
    const partition = await choice.take();
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
      choice.giveBack(partition, true);
    } catch (error) {
      choice.giveBack(partition, false);
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
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${millis} ms`)), millis);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
