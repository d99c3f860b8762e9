import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { OriginscopeError } from '../../../core/errors.ts';
import { repeat } from '../../../core/repeat.ts';
import { withAdmin } from '../client/connection.ts';
import { keepUp } from '../client/keep-up.ts';
import { positionsOf } from '../client/positions.ts';
import { readTopic } from './topics.ts';

/** Offsets of one partition; `until` is the first that is not read. */
export interface OffsetRange {
  readonly from: number;
  readonly until: number;
}

/**
 * All that a topic holds, by partition.
 *
 * @throws OriginscopeError `TOPIC_MISSING`; errors of kafkajs
 */
export async function wholeTopic(kafka: Kafka, topic: string): Promise<ReadonlyMap<number, OffsetRange>> {
  const ends = await withAdmin(kafka, async (admin) => {
    await readTopic(admin, topic);
    return admin.fetchTopicOffsets(topic);
  });
  return new Map(
    ends.map(({ partition, low, high }) => [partition, { from: Number(low), until: Number(high) }]),
  );
}

export function messagesIn(ranges: ReadonlyMap<number, OffsetRange>): number {
  return [...ranges.values()].reduce((sum, { from, until }) => sum + until - from, 0);
}

export interface ReadRangeOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  /** By partition. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  /** Given the messages of a partition in order; they are read on when it resolves. */
  readonly read: (messages: readonly KafkaMessage[], partition: number) => Promise<void>;
  /** The group whose offsets are committed after `read` resolved. Default: one of its own that leaves nothing. */
  readonly group?: string;
}

const HEARTBEAT_MILLIS = 3_000;
const LOOK_MILLIS = 5_000;

/**
 * Reads a part of a topic once, from its first message to its last.
 *
 * @throws OriginscopeError `GROUP_ACTIVE` when somebody else reads as this group; errors of kafkajs and of `read`
 */
export async function readRange(options: ReadRangeOptions): Promise<void> {
  const { kafka, topic, read } = options;
  const next = new Map<number, number>();
  const until = new Map<number, number>();
  for (const [partition, range] of options.ranges) {
    if (range.from >= range.until) continue;
    next.set(partition, range.from);
    until.set(partition, range.until);
  }
  if (until.size === 0) return;

  const group = options.group ?? `originscope-reader-${randomUUID()}`;
  const done = Promise.withResolvers<void>();
  // It may fail before somebody waits for it.
  done.promise.catch(() => undefined);
  const stopping = new AbortController();
  const consumer = kafka.consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 200,
    retry: { restartOnFailure: async () => false },
  });

  function reached(partition: number, offset: number): void {
    next.set(partition, offset);
    if (offset < (until.get(partition) ?? 0)) return;
    until.delete(partition);
    consumer.pause([{ topic, partitions: [partition] }]);
    if (until.size === 0) done.resolve();
  }

  function joined(assigned: readonly number[]): void {
    if ([...until.keys()].some((partition) => !assigned.includes(partition))) done.reject(active(group));
    for (const partition of assigned) {
      const offset = next.get(partition);
      if (offset !== undefined && until.has(partition)) {
        consumer.seek({ topic, partition, offset: String(offset) });
      } else consumer.pause([{ topic, partitions: [partition] }]);
    }
  }

  async function readBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, heartbeat } = payload;
    const { partition } = batch;
    const end = until.get(partition) ?? 0;
    const messages = batch.messages.filter(({ offset }) => Number(offset) < end);
    const last = messages.at(-1);
    if (last === undefined || !payload.isRunning()) return;
    const membership = keepUp(HEARTBEAT_MILLIS, heartbeat);
    try {
      await read(messages, partition);
    } catch (error) {
      done.reject(error);
      throw error;
    } finally {
      membership.stop();
    }
    membership.signal.throwIfAborted();
    resolveOffset(last.offset);
    if (options.group !== undefined) await commit(payload, partition, Number(last.offset) + 1);
  }

  async function commit(payload: EachBatchPayload, partition: number, offset: number): Promise<void> {
    await payload.commitOffsetsIfNecessary({
      topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }],
    });
  }

  /** Retention may delete the rest of a range while it is read. */
  async function look(): Promise<void> {
    const begins = await positionsOf(kafka, { topic, group }).begins();
    for (const [partition, end] of until) {
      if ((begins.get(partition) ?? 0) >= end) reached(partition, end);
    }
  }

  follow(consumer, { topic, joined, reached, crashed: done.reject });
  const looking = repeat(look, LOOK_MILLIS, stopping.signal, () => undefined);
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: readBatch });
    await done.promise;
  } finally {
    stopping.abort();
    await consumer.disconnect().catch(() => undefined);
    await looking;
    if (options.group === undefined) {
      await withAdmin(kafka, (admin) => admin.deleteGroups([group])).catch(() => undefined);
    }
  }
}

function follow(
  consumer: Consumer,
  on: {
    readonly topic: string;
    joined(assigned: readonly number[]): void;
    reached(partition: number, offset: number): void;
    crashed(error: unknown): void;
  },
): void {
  const { GROUP_JOIN, END_BATCH_PROCESS, CRASH } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => on.joined(payload.memberAssignment[on.topic] ?? []));
  // Also of batches that held nothing but control records, which are not handed over.
  consumer.on(END_BATCH_PROCESS, ({ payload }) =>
    on.reached(payload.partition, Number(payload.lastOffset) + 1),
  );
  consumer.on(CRASH, ({ payload }) => on.crashed(payload.error));
}

function active(group: string): OriginscopeError {
  return new OriginscopeError('GROUP_ACTIVE', {
    group,
    remedy: 'Wait until they have finished, or a minute if they were killed; then try again.',
  });
}
