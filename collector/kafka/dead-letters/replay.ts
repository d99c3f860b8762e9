import { type Kafka, type KafkaMessage, type Message, Partitioners } from 'kafkajs';
import { OPEN_MILLIS } from '../../../core/slots.ts';
import { bounded, cleaned } from '../../../core/text.ts';
import { COMPRESSION_TYPES, withAdmin } from '../client/connection.ts';
import type { Compression } from '../client/options.ts';
import { positionsOf } from '../client/positions.ts';
import { messagesIn, type OffsetRange, readRange, wholeTopic } from '../client/read-range.ts';
import { readTopic } from '../client/topic.ts';
import { unreadableBatchOf } from '../client/unreadable-batch.ts';
import { LETTER_HEADERS, writtenAt } from './dead-letters.ts';

/** A dead letter according to its headers; texts are bounded and printable. */
export interface Letter {
  /** Its position in the dead-letter topic. */
  readonly partition: number;
  readonly offset: number;
  readonly reason: string;
  readonly message: string;
  /** When the message was first written, epoch milliseconds. */
  readonly writtenAt: number;
  /** Its origin: topic, partition, offset; of a batch, its first and last offset: `otlp_spans 3 17-116`. */
  readonly from: string;
  /** Whether its body is a message, or a whole unreadable batch as stored in the log. */
  readonly holds: 'message' | 'batch';
  /** Bytes of the body; undefined when it was too large for the topic. */
  readonly bytes: number | undefined;
  readonly isReplayed: boolean;
}

export interface LettersOptions {
  readonly kafka: Kafka;
  readonly deadLetterTopic: string;
  /** The consumer group; the replay progress is kept in a separate group named after it. */
  readonly group: string;
  readonly limit: number;
}

/** The newest dead letters, oldest first, and their total. */
export async function listDeadLetters(
  options: LettersOptions,
): Promise<{ readonly letters: readonly Letter[]; readonly total: number; readonly waiting: number }> {
  const { kafka, deadLetterTopic: topic, limit } = options;
  const { ends, replayed } = await readProgress(options);
  const letters: Letter[] = [];
  await readRange({
    kafka,
    topic,
    ranges: new Map(
      [...ends].map(([partition, { from, until }]) => [
        partition,
        { from: Math.max(from, until - limit), until },
      ]),
    ),
    async read(messages, partition) {
      const next = replayed.get(partition) ?? 0;
      for (const message of messages) {
        letters.push(letterOf(message, partition, next > Number(message.offset)));
      }
    },
  });
  letters.sort((one, other) => one.writtenAt - other.writtenAt || one.offset - other.offset);
  return {
    letters: letters.slice(-limit),
    total: messagesIn(ends),
    waiting: messagesIn(unreplayed(ends, replayed)),
  };
}

export interface ReplayResult {
  readonly replayed: number;
  /** Too large for the dead-letter topic: their headers tell where they are. */
  readonly withoutBody: readonly Letter[];
  /** Batches that no consumer can read. */
  readonly batches: readonly Letter[];
  /** Older than 48 hours: their slots are frozen. */
  readonly tooOld: number;
  /** Beyond the limit. */
  readonly waiting: number;
}

/** Maximum bytes of messages that are sent at once. */
const SEND_BYTES = 512 * 1024;

/**
 * Sends dead letters that were not replayed yet back to their topic, oldest first, with their original
 * timestamps. A crash in between may send some again, which counts nothing twice.
 *
 * @throws OriginscopeError `GROUP_ACTIVE` when another replay is running, `TOPIC_MISSING`; errors of
 * kafkajs
 */
export async function replayDeadLetters(
  options: LettersOptions & {
    /** The destination topic. */
    readonly topic: string;
    readonly compression: Compression;
    /** Epoch milliseconds. */
    readonly now: number;
  },
): Promise<ReplayResult> {
  const { kafka, deadLetterTopic, topic, limit, now } = options;
  const { ends, replayed } = await readProgress(options);
  await withAdmin(kafka, (admin) => readTopic(admin, topic));
  const all = unreplayed(ends, replayed);
  const ranges = limited(all, limit);
  const withoutBody: Letter[] = [];
  const batches: Letter[] = [];
  let tooOld = 0;
  let sent = 0;
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();

  async function send(messages: readonly Message[]): Promise<void> {
    await producer.send({
      topic,
      acks: -1,
      compression: COMPRESSION_TYPES[options.compression],
      messages: [...messages],
    });
    sent += messages.length;
  }

  try {
    await readRange({
      kafka,
      topic: deadLetterTopic,
      group: replayGroup(options.group),
      ranges,
      async read(messages, partition) {
        let batch: Message[] = [];
        let bytes = 0;
        for (const message of messages) {
          if (isBatch(message)) {
            batches.push(letterOf(message, partition, true));
          } else if (message.value === null) {
            withoutBody.push(letterOf(message, partition, true));
          } else if (writtenAt(message) < now - OPEN_MILLIS) {
            tooOld++;
          } else {
            batch.push(restoreMessage(message));
            bytes += message.value.length;
          }
          if (bytes < SEND_BYTES) continue;
          await send(batch);
          batch = [];
          bytes = 0;
        }
        if (batch.length > 0) await send(batch);
      },
    });
  } finally {
    await producer.disconnect();
  }
  return { replayed: sent, withoutBody, batches, tooOld, waiting: messagesIn(all) - messagesIn(ranges) };
}

const replayGroup = (group: string): string => `${group}.dead-letters`;

/** The ends of the topic, and the next offset to replay, by partition. */
async function readProgress({ kafka, deadLetterTopic: topic, group }: LettersOptions): Promise<{
  readonly ends: ReadonlyMap<number, OffsetRange>;
  readonly replayed: ReadonlyMap<number, number>;
}> {
  return {
    ends: await wholeTopic(kafka, topic),
    replayed: await positionsOf(kafka, { topic, group: replayGroup(group) }).committed(),
  };
}

function unreplayed(
  ends: ReadonlyMap<number, OffsetRange>,
  replayed: ReadonlyMap<number, number>,
): ReadonlyMap<number, OffsetRange> {
  return new Map(
    [...ends].map(([partition, { from, until }]) => [
      partition,
      { from: Math.max(from, replayed.get(partition) ?? 0), until },
    ]),
  );
}

function limited(ranges: ReadonlyMap<number, OffsetRange>, limit: number): ReadonlyMap<number, OffsetRange> {
  let left = limit;
  return new Map(
    [...ranges].map(([partition, { from, until }]) => {
      const end = Math.min(until, from + left);
      left -= end - from;
      return [partition, { from, until: end }];
    }),
  );
}

const OWN_HEADERS: ReadonlySet<string> = new Set(Object.values(LETTER_HEADERS));

/** Restores the message without dead-letter headers except its timestamp. */
function restoreMessage(message: KafkaMessage): Message {
  const headers = Object.entries(message.headers ?? {}).filter(([name]) => !OWN_HEADERS.has(name));
  return {
    value: message.value,
    headers: { ...Object.fromEntries(headers), [LETTER_HEADERS.timestamp]: String(writtenAt(message)) },
  };
}

const textOf = (message: KafkaMessage, header: string): string =>
  bounded(cleaned(String(message.headers?.[header] ?? '')), 500);

/** Whether the dead letter is a batch, or an unreadable batch of the dead-letter topic itself. */
function isBatch(message: KafkaMessage): boolean {
  return textOf(message, LETTER_HEADERS.lastOffset) !== '' || unreadableBatchOf(message) !== undefined;
}

function letterOf(message: KafkaMessage, partition: number, isReplayed: boolean): Letter {
  const refused = unreadableBatchOf(message);
  const last = textOf(message, LETTER_HEADERS.lastOffset);
  const from = [LETTER_HEADERS.topic, LETTER_HEADERS.partition, LETTER_HEADERS.offset]
    .map((header) => textOf(message, header))
    .join(' ');
  return {
    partition,
    offset: Number(message.offset),
    reason: refused?.reason ?? textOf(message, LETTER_HEADERS.reason),
    message: refused?.error.message ?? textOf(message, LETTER_HEADERS.message),
    writtenAt: writtenAt(message),
    from: last === '' ? from : `${from}-${last}`,
    holds: isBatch(message) ? 'batch' : 'message',
    bytes: refused?.bytes.length ?? message.value?.length,
    isReplayed,
  };
}
