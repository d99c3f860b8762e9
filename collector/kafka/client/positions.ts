import type { Admin, Kafka } from 'kafkajs';
import { endless, retry } from '../../../core/retry.ts';
import { kafkaErrorType, withAdmin } from './connection.ts';

const COORDINATOR_WITHIN_MILLIS = 15_000;
const COORDINATOR_POLL_MILLIS = 200;
const COORDINATOR_ERRORS: ReadonlySet<string> = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/** The offsets of a group in a topic, and the limits of the topic; by partition. */
export interface Positions {
  /** The next offset to read; absent if the group has read nothing yet. */
  committed(): Promise<ReadonlyMap<number, number>>;
  /** The first offset that retention has not deleted. */
  begins(): Promise<ReadonlyMap<number, number>>;
  /** The number of unread messages, by partition. */
  lag(): Promise<ReadonlyMap<number, number>>;
  /** The first offset of a message at this time (epoch milliseconds) or later. */
  at(time: number): Promise<ReadonlyMap<number, number>>;
  /** Whether the group has read everything that was sent before this time (epoch milliseconds). */
  hasRead(before: number): Promise<boolean>;
}

/** Offsets are below 2^53. */
export function positionsOf(kafka: Kafka, { topic, group }: { topic: string; group: string }): Positions {
  const committedBy = async (admin: Admin): Promise<ReadonlyMap<number, number>> => {
    const [found] = await retryUntilCoordinated(() =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    );
    return offsets(found?.partitions.filter(({ offset }) => Number(offset) >= 0) ?? []);
  };

  return {
    committed: () => withAdmin(kafka, committedBy),
    begins: () =>
      withAdmin(kafka, async (admin) =>
        offsets(
          (await admin.fetchTopicOffsets(topic)).map(({ partition, low }) => ({ partition, offset: low })),
        ),
      ),
    at: (time) =>
      withAdmin(kafka, async (admin) => offsets(await admin.fetchTopicOffsetsByTimestamp(topic, time))),
    lag: () =>
      withAdmin(kafka, async (admin) => {
        const read = await committedBy(admin);
        return new Map(
          (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => [
            partition,
            Number(high) - Math.max(read.get(partition) ?? 0, Number(low)),
          ]),
        );
      }),
    hasRead: (before) =>
      withAdmin(kafka, async (admin) => {
        const read = await committedBy(admin);
        const begins = await admin.fetchTopicOffsets(topic);
        const wanted = await admin.fetchTopicOffsetsByTimestamp(topic, before);
        return wanted.every(({ partition, offset }) => {
          const low = Number(begins.find((other) => other.partition === partition)?.low ?? 0);
          return Number(offset) <= Math.max(read.get(partition) ?? 0, low);
        });
      }),
  };
}

/**
 * A group's coordinator is not available in the first seconds of a cluster, or after a broker failure;
 * kafkajs retries in consumers, but not in the admin client.
 */
async function retryUntilCoordinated<Result>(ask: () => Promise<Result>): Promise<Result> {
  return await retry(ask, {
    delays: endless([COORDINATOR_POLL_MILLIS]),
    deadlineMillis: COORDINATOR_WITHIN_MILLIS,
    shouldRetry: (error) => COORDINATOR_ERRORS.has(kafkaErrorType(error) ?? ''),
  });
}

function offsets(partitions: readonly { partition: number; offset: string }[]): ReadonlyMap<number, number> {
  return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
}
