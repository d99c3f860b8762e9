import type { Consumer, EachBatchHandler, Kafka } from 'kafkajs';
import type { ConsumerCounters } from './consumer-counters.ts';

export interface MembershipOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly group: string;
  readonly sessionTimeoutMillis: number;
  readonly heartbeatMillis: number;
  readonly eachBatch: EachBatchHandler;
  /** Told of every assignment. */
  readonly joined: () => void;
  readonly counters: ConsumerCounters;
  /** Aborts when the consumer is stopping. */
  readonly stopping: AbortSignal;
}

/** A running consumer that has joined its group. */
export interface Joined {
  readonly consumer: Consumer;
  /** Resolves with an error that kafkajs does not recover from. */
  readonly ended: Promise<unknown>;
}

export interface Membership {
  /** Partitions assigned to this consumer. */
  readonly assigned: ReadonlySet<number>;
  /** Whether a heartbeat or fetch succeeded within the session timeout. */
  isMember(): boolean;
  /**
   * Joins the group with a new consumer and starts reading.
   *
   * @throws the error of kafkajs when that fails
   */
  join(): Promise<Joined>;
}

const MIB = 1024 ** 2;

/**
 * Compressed sizes. A fetch is decompressed up to READING_LIMITS (with zstd about 3 MiB of it); the next one returns
 * the rest again. It covers several partitions, so that none waits long.
 */
const FETCH = {
  minBytes: 64 * 1024,
  maxBytes: 8 * MIB,
  maxBytesPerPartition: MIB,
  maxWaitTimeInMs: 250,
} as const;

/** How soon new partitions are found. */
const METADATA_MILLIS = 30_000;

export function createMembership(options: MembershipOptions): Membership {
  const { kafka, topic, group, sessionTimeoutMillis, heartbeatMillis, counters, stopping } = options;
  const assigned = new Set<number>();
  let heardAt = Number.NEGATIVE_INFINITY;
  const heard = (): void => {
    heardAt = performance.now();
  };

  function onJoined(partitions: readonly number[]): void {
    assigned.clear();
    for (const partition of partitions) assigned.add(partition);
    heard();
    options.joined();
  }

  async function join(): Promise<Joined> {
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMillis,
      heartbeatInterval: heartbeatMillis,
      metadataMaxAge: METADATA_MILLIS,
      allowAutoTopicCreation: false,
      ...FETCH,
      retry: { maxRetryTime: 5_000, restartOnFailure: async () => !stopping.aborted },
    });
    const { GROUP_JOIN, HEARTBEAT, FETCH: FETCHED, REBALANCING, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => onJoined(payload.memberAssignment[topic] ?? []));
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
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: options.eachBatch,
      });
    } catch (error) {
      await consumer.disconnect().catch(() => undefined);
      throw error;
    }
    return { consumer, ended };
  }

  return { assigned, isMember: () => performance.now() - heardAt < sessionTimeoutMillis, join };
}
