import type { Admin, Kafka } from 'kafkajs';

/** Where a group stands in a topic, and where the topic begins and ends; offsets by partition. */
export interface Positions {
  /** The next offset to read; absent where the group has read nothing yet. */
  committed(): Promise<ReadonlyMap<number, number>>;
  /** The first offset that retention has left. */
  begins(): Promise<ReadonlyMap<number, number>>;
  /** Messages that wait, by partition. */
  lag(): Promise<ReadonlyMap<number, number>>;
  /** The first offset of a message of this time (epoch milliseconds) or later. */
  at(time: number): Promise<ReadonlyMap<number, number>>;
  /** Whether the group has read everything that was sent before this time (epoch milliseconds). */
  hasRead(before: number): Promise<boolean>;
}

/** Offsets are below 2^53. */
export function positionsOf(kafka: Kafka, { topic, group }: { topic: string; group: string }): Positions {
  const committedBy = async (admin: Admin): Promise<ReadonlyMap<number, number>> => {
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
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

/** Connected for one piece of work: it is done every few seconds at most, and brokers come and go between. */
export async function withAdmin<Result>(
  kafka: Kafka,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

function offsets(partitions: readonly { partition: number; offset: string }[]): ReadonlyMap<number, number> {
  return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
}
