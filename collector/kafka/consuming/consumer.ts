import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, EachBatchHandler, Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { createByteBudget } from '../../../core/byte-budget.ts';
import { repeat } from '../../../core/repeat.ts';
import type { Positions } from '../client/positions.ts';
import { batchHandler, type Delivered } from './batch-handler.ts';
import type { ConsumerCounters } from './consumer-counters.ts';
import { createLossWatch } from './loss-watch.ts';

export interface ConsumerOptions {
  /** A client of its own: kafkajs shares the offsets of a group among the consumers of one client. */
  readonly kafka: Kafka;
  readonly topic: string;
  readonly group: string;
  readonly positions: Positions;
  /** After which a silent consumer loses its partitions. */
  readonly sessionTimeoutMillis: number;
  /** See BatchHandlerOptions. */
  readonly take: (delivered: Delivered, signal: AbortSignal) => Promise<void>;
  readonly counters: ConsumerCounters;
  readonly log: Logger;
  /** How long what is in hand is waited for at the end, or when partitions have to be given up. */
  readonly graceMillis?: number;
  /** Before the group is joined anew after an error that kafkajs does not go on from. */
  readonly restartMillis?: number;
}

export interface RunningConsumer {
  /** The partitions of this consumer. */
  readonly assigned: ReadonlySet<number>;
  /** Whether it is a member of its group that brokers have heard of lately. */
  isMember(): boolean;
  /** Commits what is in hand, if that is soon kept, leaves the group, and disconnects. */
  stop(): Promise<void>;
}

const MIB = 1024 ** 2;

/** Of the bodies in hand at once; their spans take about as much again. */
const IN_HAND_BYTES = 32 * MIB;

/**
 * Compressed. One is read up to READING_LIMITS, with zstd about 3 MiB of it, and the next one brings the rest again:
 * of several partitions, so that none waits long for its turn.
 */
const FETCH = {
  minBytes: 64 * 1024,
  maxBytes: 8 * MIB,
  maxBytesPerPartition: MIB,
  maxWaitTimeInMs: 250,
} as const;

const OBSERVE_MILLIS = 10_000;

/** New partitions are found this soon. */
const METADATA_MILLIS = 30_000;

/**
 * Joins the group and gives every message to `take`, until it is stopped: brokers may go away and come back,
 * and what kafkajs gives up is begun anew.
 *
 * @throws the error of kafkajs when no broker can be spoken to at the start
 */
export async function startConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const { kafka, topic, group, positions, sessionTimeoutMillis, counters, log } = options;
  const { graceMillis = 5_000, restartMillis = 5_000 } = options;
  const stopping = new AbortController();
  const heartbeatMillis = Math.min(3_000, sessionTimeoutMillis / 3);
  const handle = batchHandler({
    take: options.take,
    budget: createByteBudget(IN_HAND_BYTES, 'in hand'),
    counters,
    stopping: stopping.signal,
    heartbeatMillis: heartbeatMillis / 2,
    graceMillis,
  });
  const assigned = new Set<number>();
  let heardAt = Number.NEGATIVE_INFINITY;
  const losses = createLossWatch({ positions, counters, log });

  const eachBatch: EachBatchHandler = async (payload) => {
    await losses.check(payload.batch);
    await handle(payload);
  };

  function joined(partitions: readonly number[]): void {
    assigned.clear();
    for (const partition of partitions) assigned.add(partition);
    heardAt = performance.now();
    losses.joined();
  }

  /** @returns a promise of the error that kafkajs does not go on from */
  async function begin(): Promise<{ consumer: Consumer; ended: Promise<unknown> }> {
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMillis,
      heartbeatInterval: heartbeatMillis,
      metadataMaxAge: METADATA_MILLIS,
      allowAutoTopicCreation: false,
      ...FETCH,
      retry: { maxRetryTime: 5_000, restartOnFailure: async () => !stopping.signal.aborted },
    });
    const { GROUP_JOIN, HEARTBEAT, FETCH: FETCHED, REBALANCING, CRASH } = consumer.events;
    const heard = (): void => {
      heardAt = performance.now();
    };
    consumer.on(GROUP_JOIN, ({ payload }) => joined(payload.memberAssignment[topic] ?? []));
    consumer.on(HEARTBEAT, heard);
    consumer.on(FETCHED, heard);
    consumer.on(REBALANCING, () => void counters.rebalances++);
    const ended = new Promise<unknown>((resolve) => {
      consumer.on(CRASH, ({ payload }) => {
        heardAt = Number.NEGATIVE_INFINITY;
        if (!payload.restart) resolve(payload.error);
      });
    });
    try {
      await losses.remember();
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        eachBatch,
      });
    } catch (error) {
      await consumer.disconnect().catch(() => undefined);
      throw error;
    }
    return { consumer, ended };
  }

  let { consumer, ended } = await begin();
  const running = goOn();

  async function goOn(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!stopping.signal.aborted) {
      const error = await Promise.race([stopped, ended]);
      if (stopping.signal.aborted) break;
      counters.restarts++;
      log.error({ err: error }, 'the consumer ended by an error; it joins its group anew');
      await consumer.disconnect().catch(() => undefined);
      await delay(restartMillis, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      ({ consumer, ended } = await begin().catch((cause: unknown) => ({
        consumer,
        ended: Promise.resolve(cause),
      })));
    }
    await consumer.disconnect().catch((err) => log.warn({ err }, 'the group was not left properly'));
  }

  const observing = repeat(
    async () => {
      await losses.remember();
      const lag = await positions.lag();
      counters.lag = new Map([...lag].filter(([partition]) => assigned.has(partition)));
    },
    OBSERVE_MILLIS,
    stopping.signal,
    (err) => log.warn({ err }, 'the lag cannot be asked for'),
  );

  return {
    assigned,
    isMember: () => performance.now() - heardAt < sessionTimeoutMillis,
    async stop() {
      stopping.abort();
      await Promise.all([running, observing]);
    },
  };
}
