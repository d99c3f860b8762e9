import type { Kafka, KafkaMessage } from 'kafkajs';
import type { ClickHouse } from '../../../clickhouse/connection.ts';
import { keptSince, type Retention } from '../../../clickhouse/retention.ts';
import { hasCode, OriginscopeError } from '../../../core/errors.ts';
import { MAX_AHEAD_MILLIS, SLOT_MILLIS, slotOf } from '../../../core/slots.ts';
import { createWriter } from '../../ingest/writer.ts';
import { acceptedWindow, type Decoded } from '../../otlp/decoding-result.ts';
import type { DerivationRules } from '../../otlp/derived-span-of.ts';
import { beginImport, type ImportResult } from '../../publication/import.ts';
import { createPublisher } from '../../publication/publisher.ts';
import { decodeMessage } from '../client/message.ts';
import { positionsOf } from '../client/positions.ts';
import { messagesIn, type OffsetRange, readRange, wholeTopic } from '../client/read-range.ts';
import { unreadableBatchOf } from '../client/unreadable-batch.ts';
import { receivedAt } from '../dead-letters/dead-letters.ts';

export interface RebuildOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly clickhouse: ClickHouse;
  /** Epoch milliseconds; every slot that overlaps the range is rebuilt. */
  readonly since: number;
  readonly until: number;
  readonly rules: DerivationRules;
  readonly retention: Retention;
  /** Whether a slot may have fewer spans afterwards, because retention may have deleted messages of it. */
  readonly mayShrink: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called with the number of messages read and their total. */
  readonly onProgress?: (read: number, total: number) => void;
}

/** The result: what was read from the topic, and the outcome for each slot. */
export interface RebuildResult extends ImportResult {
  readonly messages: number;
  /** Messages that are not valid OTLP; the consumer has written them to the dead letters. */
  readonly malformed: number;
  /** Batches that are too large or unreadable; also in the dead letters. */
  readonly unreadableBatches: number;
  /** Spans of the requested slots. */
  readonly spans: number;
  readonly rejected: number;
}

/**
 * Reads the topic again and rebuilds the slots of a time range: frozen ones are staged and published slot
 * by slot, open ones are written again. Consumers may be running.
 *
 * @throws OriginscopeError `WINDOW_EXPIRED`, `TOPIC_MISSING`; errors of kafkajs
 */
export async function rebuild(options: RebuildOptions): Promise<RebuildResult> {
  const { kafka, topic, clickhouse, rules, retention, now, mayShrink } = options;
  const since = slotOf(options.since);
  const until = slotOf(options.until - 1) + SLOT_MILLIS;
  if (since <= keptSince(retention, now())) throw expired(options.since, retention, now());
  const ranges = await rangesOf(kafka, topic, since - MAX_AHEAD_MILLIS);
  const total = messagesIn(ranges);
  const counts = { messages: 0, malformed: 0, unreadableBatches: 0, spans: 0, rejected: 0 };

  const writer = createWriter({ client: clickhouse.writing, now });
  const importing = await beginImport({
    client: clickhouse.publishing,
    writer,
    publisher: createPublisher({
      client: clickhouse.publishing,
      dialect: clickhouse.dialect,
      now,
      retention,
      // Hours are published at the end, however recent they are.
      republishMillis: 0,
    }),
    now,
    retention,
    conflicts: mayShrink ? 'shrink' : 'replace',
  });

  async function take(message: KafkaMessage): Promise<void> {
    counts.messages++;
    if (unreadableBatchOf(message) !== undefined) {
      counts.unreadableBatches++;
      return;
    }
    const decoded = decode(message);
    if (decoded === undefined) {
      counts.malformed++;
      return;
    }
    counts.rejected += decoded.rejected;
    const wanted = decoded.spans.filter(({ time }) => time >= since && time < until);
    counts.spans += wanted.length;
    await importing.add(wanted);
  }

  /** Decodes like the consumer did when the message was sent. */
  function decode(message: KafkaMessage): Decoded | undefined {
    try {
      return decodeMessage(message, acceptedWindow(receivedAt(message, now())), rules);
    } catch (error) {
      if (hasCode(error, 'OTLP_MALFORMED')) return undefined;
      throw error;
    }
  }

  await readRange({
    kafka,
    topic,
    ranges,
    async read(messages) {
      for (const message of messages) await take(message);
      options.onProgress?.(counts.messages, total);
    },
  });
  const done = await importing.finish();
  await writer.close();
  return { ...counts, ...done };
}

/**
 * From the first message that may contain spans of this time to the end, because replayed messages come
 * much later.
 */
async function rangesOf(
  kafka: Kafka,
  topic: string,
  time: number,
): Promise<ReadonlyMap<number, OffsetRange>> {
  const whole = await wholeTopic(kafka, topic);
  const begins = await positionsOf(kafka, { topic, group: '' }).at(time);
  return new Map(
    [...whole].map(([partition, { from, until }]) => [
      partition,
      { from: Math.max(from, begins.get(partition) ?? 0), until },
    ]),
  );
}

function expired(since: number, retention: Retention, now: number): OriginscopeError {
  return new OriginscopeError('WINDOW_EXPIRED', {
    since: new Date(since).toISOString(),
    keptSince: new Date(keptSince(retention, now)).toISOString(),
  });
}
