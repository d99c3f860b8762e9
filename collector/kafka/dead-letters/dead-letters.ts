import { CompressionTypes, type IHeaders, type Kafka, type Message, Partitioners } from 'kafkajs';
import { DERIVATION } from '../../../clickhouse/decision-span.ts';
import { hasCode } from '../../../core/errors.ts';
import { bounded, cleaned } from '../../../core/text.ts';
import { createGroupCommit, type GroupCommitLimits } from '../../ingest/group-commit.ts';
import { isTooLarge } from '../client/connection.ts';
import type { Delivered } from '../client/delivered.ts';
import { type UnreadableBatch, unreadableBatchOf } from '../client/unreadable-batch.ts';
import type { LetterReason } from './letter-reason.ts';

/** Added to the headers of the message. */
export const LETTER_HEADERS = {
  /** A LetterReason. */
  reason: 'originscope-reason',
  /** The error message. */
  message: 'originscope-message',
  topic: 'originscope-topic',
  partition: 'originscope-partition',
  /** Of the first message, if the dead letter is a batch. */
  offset: 'originscope-offset',
  /** For a batch of messages, which is unreadable and stored as it is in the log. */
  lastOffset: 'originscope-last-offset',
  /**
   * When the message was first written, epoch milliseconds: the times of its spans are validated against
   * it.
   */
  timestamp: 'originscope-timestamp',
  /** The rule set that could not read it. */
  derivation: 'originscope-derivation',
  /** `omitted` if the message was too large for the topic: topic, partition and offset tell where it is. */
  body: 'originscope-body',
} as const;

export interface DeadLetters {
  /**
   * Resolves once the message is in the dead-letter topic.
   *
   * @param signal ends the wait for room among what is pending
   * @throws OriginscopeError `WRITE_FAILED`, `WRITER_CLOSED`: retryable; the signal's reason
   */
  publish(
    delivered: Delivered,
    cause: { readonly reason: LetterReason; readonly error: unknown },
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

const LIMITS: GroupCommitLimits = {
  lingerMillis: 5,
  maxInsertRows: 500,
  maxInsertBytes: 512 * 1024,
  maxPendingBytes: 64 * 1024 ** 2,
  admissionMillis: 'unlimited',
  retryMillis: [500],
};

const MAX_ERROR_LENGTH = 500;

/**
 * Writes messages that cannot be stored to a separate topic, so that they neither block others nor get
 * lost.
 *
 * @throws the error of kafkajs when no broker is reachable
 */
export async function createDeadLetters(kafka: Kafka, topic: string): Promise<DeadLetters> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 2 },
  });
  await producer.connect().catch(async (error: unknown) => {
    await producer.disconnect().catch(() => undefined);
    throw error;
  });
  const commits = createGroupCommit<Message>(
    {
      name: `topic ${topic}`,
      mostInFlight: 1,
      async insert(messages) {
        await producer.send({ topic, acks: -1, compression: CompressionTypes.ZSTD, messages: [...messages] });
      },
      bytesOf: ({ value }) => 500 + (value?.length ?? 0),
      isRejection: isTooLarge,
    },
    LIMITS,
    { written: 0, refused: 0, failed: 0, overloaded: 0, inserts: 0, retries: 0 },
  );

  return {
    async publish(delivered, { reason, error }, signal) {
      const batch = unreadableBatchOf(delivered.message);
      const value = batch === undefined ? delivered.message.value : batch.bytes;
      const headers = {
        ...headersOf(delivered, reason, error),
        ...(batch !== undefined && headersOfBatch(batch)),
      };
      try {
        await commits.add([{ value, headers }], signal);
      } catch (cause) {
        if (!hasCode(cause, 'ROW_REFUSED')) throw cause;
        await commits.add(
          [{ value: null, headers: { ...headers, [LETTER_HEADERS.body]: 'omitted' } }],
          signal,
        );
      }
    },
    async close() {
      await commits.close();
      await producer.disconnect();
    },
  };
}

function headersOf({ topic, partition, message }: Delivered, reason: LetterReason, error: unknown): IHeaders {
  return {
    ...message.headers,
    [LETTER_HEADERS.reason]: reason,
    [LETTER_HEADERS.message]: bounded(cleaned(innermost(error)), MAX_ERROR_LENGTH),
    [LETTER_HEADERS.topic]: topic,
    [LETTER_HEADERS.partition]: String(partition),
    [LETTER_HEADERS.offset]: message.offset,
    [LETTER_HEADERS.timestamp]: String(writtenAt(message)),
    [LETTER_HEADERS.derivation]: String(DERIVATION),
  };
}

function headersOfBatch({ firstOffset, lastOffset }: UnreadableBatch): IHeaders {
  return {
    [LETTER_HEADERS.offset]: String(firstOffset),
    [LETTER_HEADERS.lastOffset]: String(lastOffset),
  };
}

/** The innermost message: for a rejection, that of the server. */
function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return hasCode(error, 'ROW_REFUSED') && error.cause instanceof Error ? error.cause.message : error.message;
}

/** When a message was first written, epoch milliseconds: a replayed one has it in a header. */
export function writtenAt(message: Pick<Delivered['message'], 'timestamp' | 'headers'>): number {
  const own = Number(message.timestamp);
  const header = message.headers?.[LETTER_HEADERS.timestamp];
  if (header === undefined || Array.isArray(header)) return own;
  const original = /^\d{1,15}$/.test(header.toString()) ? Number(header.toString()) : own;
  return Math.min(original, own);
}

/**
 * When a message was received, epoch milliseconds. Not by our clock, so that messages that waited in Kafka
 * are not late, and a slow clock of ours does not turn the present into the future: by the broker's clock
 * where the topic is configured so, else by the producer's, but at most our time.
 */
export function receivedAt(
  message: Pick<Delivered['message'], 'timestamp' | 'headers'>,
  now: number,
): number {
  const written = writtenAt(message);
  const isBrokerTime = 'isBrokerTime' in message && message.isBrokerTime === true;
  return isBrokerTime ? written : Math.min(written, now);
}
