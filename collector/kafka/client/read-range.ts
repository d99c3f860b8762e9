import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { OriginscopeError } from '../../../core/errors.ts';
import { repeat } from '../../../core/repeat.ts';
import { withAdmin } from './connection.ts';
import { heartbeatLoop } from './heartbeat-loop.ts';
import { positionsOf } from './positions.ts';
import { readTopic } from './topic.ts';

/** Offsets of one partition; `until` is exclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly until: number;
}

/**
 * The offsets of a complete topic, by partition.
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
  /** Receives the messages of a partition in order; reading continues when it resolves. */
  readonly read: (messages: readonly KafkaMessage[], partition: number) => Promise<void>;
  /**
   * The group whose offsets are committed after `read` resolved. Default: a temporary one without commits.
   */
  readonly group?: string;
}

const HEARTBEAT_MILLIS = 3_000;
const LOOK_MILLIS = 5_000;

/**
 * Reads a part of a topic once, from its first message to its last.
 *
 * @throws OriginscopeError `GROUP_ACTIVE` when the group has another member; errors of kafkajs and of
 * `read`
 */
export async function readRange(options: ReadRangeOptions): Promise<void> {
  const { kafka, topic } = options;
  const group = options.group ?? `originscope-reader-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 200,
    retry: { restartOnFailure: async () => false },
  });
  const reading = new RangeReading(consumer, group, options);
  if (reading.isDone) return;

  const stopping = new AbortController();
  const skipping = repeat(
    () => reading.skipDeleted(),
    LOOK_MILLIS,
    stopping.signal,
    () => undefined,
  );
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => reading.readBatch(payload),
    });
    await reading.done;
  } finally {
    stopping.abort();
    await consumer.disconnect().catch(() => undefined);
    await skipping;
    if (options.group === undefined) {
      await withAdmin(kafka, (admin) => admin.deleteGroups([group])).catch(() => undefined);
    }
  }
}

/** How far the ranges are read. */
class RangeReading {
  readonly #consumer: Consumer;
  readonly #group: string;
  readonly #options: ReadRangeOptions;
  readonly #done = Promise.withResolvers<void>();
  /** The next offset of each partition, and the first that is not read; without those that are read to their end. */
  readonly #next = new Map<number, number>();
  readonly #until = new Map<number, number>();

  constructor(consumer: Consumer, group: string, options: ReadRangeOptions) {
    this.#consumer = consumer;
    this.#group = group;
    this.#options = options;
    for (const [partition, { from, until }] of options.ranges) {
      if (from >= until) continue;
      this.#next.set(partition, from);
      this.#until.set(partition, until);
    }
    // It may be rejected before somebody waits for it.
    this.#done.promise.catch(() => undefined);
    const { GROUP_JOIN, END_BATCH_PROCESS, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => this.#joined(payload.memberAssignment[options.topic] ?? []));
    // Also for batches of control records only, which are not passed to the handler.
    consumer.on(END_BATCH_PROCESS, ({ payload }) =>
      this.#reached(payload.partition, Number(payload.lastOffset) + 1),
    );
    consumer.on(CRASH, ({ payload }) => this.#done.reject(payload.error));
  }

  get isDone(): boolean {
    return this.#until.size === 0;
  }

  /** Resolves when all ranges are read. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  async readBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, heartbeat } = payload;
    const { partition } = batch;
    const end = this.#until.get(partition) ?? 0;
    const messages = batch.messages.filter(({ offset }) => Number(offset) < end);
    const last = messages.at(-1);
    if (last === undefined || !payload.isRunning()) return;
    const heartbeats = heartbeatLoop(HEARTBEAT_MILLIS, heartbeat);
    try {
      await this.#options.read(messages, partition);
    } catch (error) {
      this.#done.reject(error);
      throw error;
    } finally {
      heartbeats.stop();
    }
    heartbeats.signal.throwIfAborted();
    resolveOffset(last.offset);
    if (this.#options.group !== undefined) await this.#commit(payload, Number(last.offset) + 1);
  }

  /** Retention may delete the rest of a range while it is read. */
  async skipDeleted(): Promise<void> {
    const { kafka, topic } = this.#options;
    const begins = await positionsOf(kafka, { topic, group: this.#group }).begins();
    for (const [partition, end] of this.#until) {
      if ((begins.get(partition) ?? 0) >= end) this.#reached(partition, end);
    }
  }

  #joined(assigned: readonly number[]): void {
    if ([...this.#until.keys()].some((partition) => !assigned.includes(partition))) {
      this.#done.reject(active(this.#group));
    }
    const { topic } = this.#options;
    for (const partition of assigned) {
      const offset = this.#next.get(partition);
      if (offset !== undefined && this.#until.has(partition)) {
        this.#consumer.seek({ topic, partition, offset: String(offset) });
      } else this.#consumer.pause([{ topic, partitions: [partition] }]);
    }
  }

  #reached(partition: number, offset: number): void {
    this.#next.set(partition, offset);
    if (offset < (this.#until.get(partition) ?? 0)) return;
    this.#until.delete(partition);
    this.#consumer.pause([{ topic: this.#options.topic, partitions: [partition] }]);
    if (this.isDone) this.#done.resolve();
  }

  async #commit({ batch, commitOffsetsIfNecessary }: EachBatchPayload, offset: number): Promise<void> {
    const { topic } = this.#options;
    await commitOffsetsIfNecessary({
      topics: [{ topic, partitions: [{ partition: batch.partition, offset: String(offset) }] }],
    });
  }
}

function active(group: string): OriginscopeError {
  return new OriginscopeError('GROUP_ACTIVE', {
    group,
    remedy: 'Wait until they have finished, or a minute if they were killed; then try again.',
  });
}
