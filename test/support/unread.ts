import type { Admin } from 'kafkajs';

/** Messages of the topic that the group has not acknowledged yet. */
export async function unread(admin: Admin, topic: string, groupId: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const read = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  return ends.reduce((sum, { partition, low, high }) => {
    const offset = read.get(partition) ?? -1;
    return sum + Number(high) - (offset < 0 ? Number(low) : offset);
  }, 0);
}
