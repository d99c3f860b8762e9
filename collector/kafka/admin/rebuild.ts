import type { Kafka, KafkaMessage } from 'kafkajs';
import type { ClickHouse } from '../../../clickhouse/connection.ts';
import { keptSince, type Retention } from '../../../clickhouse/retention.ts';
import { hasCode, OriginscopeError } from '../../../core/errors.ts';
import { MAX_AHEAD_MILLIS, SLOT_MILLIS, slotOf } from '../../../core/slots.ts';
import { createWriter } from '../../ingest/writer.ts';
import { acceptedWindow, type Decoded } from '../../otlp/decoded.ts';
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
  /** Epoch milliseconds; every slot that lies in between, at least in part, is rebuilt. */
  readonly since: number;
  readonly until: number;
  readonly rules: DerivationRules;
  readonly retention: Retention;
  /** Whether a slot may hold fewer spans afterwards: retention may have deleted messages of it. */
  readonly mayShrink: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Told of messages that were read, and of how many there are. */
  readonly onProgress?: (read: number, total: number) => void;
}

/** What was read of the topic, and what became of the slots. */
export interface RebuildResult extends ImportResult {
  readonly messages: number;
  /** Messages that are no OTLP; the consumer has made dead letters of them. */
  readonly malformed: number;
  /** Batches that are too large or not readable; the consumer has made dead letters of them as well. */
  readonly refusedBatches: number;
  /** Spans of the slots that were asked for. */
  readonly spans: number;
  readonly rejected: number;
}

/**
 * Reads the topic again and makes the slots of a time anew: what is frozen is staged and published slot by slot,
 * what is open is written again. Consumers may run meanwhile.
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
  const counts = { messages: 0, malformed: 0, refusedBatches: 0, spans: 0, rejected: 0 };

  const writer = createWriter({ client: clickhouse.writing, now });
  const importing = await beginImport({
    client: clickhouse.publishing,
    writer,
    publisher: createPublisher({
      client: clickhouse.publishing,
      dialect: clickhouse.dialect,
      now,
      retention,
      // Its hours are published at the end, regardless of their age.
      republishMillis: 0,
    }),
    now,
    retention,
    conflicts: mayShrink ? 'shrink' : 'replace',
  });

  async function take(message: KafkaMessage): Promise<void> {
    counts.messages++;
    if (unreadableBatchOf(message) !== undefined) {
      counts.refusedBatches++;
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

  /** As the consumer did when it was sent. */
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

/** From the first message that may hold spans of this time to the end: those of replays come long after. */
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
