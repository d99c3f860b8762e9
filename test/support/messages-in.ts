import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import { registerCodecs } from '../../collector/kafka/client/kafkajs-patches/codecs.ts';
import { kafkaClient, withAdmin } from './kafka-run.ts';

/** Every message that the topic has now, with the partition that has it. */
export async function messagesIn(
  brokers: readonly string[],
  topic: string,
): Promise<(KafkaMessage & { readonly partition: number })[]> {
  registerCodecs();
  const ends = await withAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  const wanted = ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  const found: (KafkaMessage & { readonly partition: number })[] = [];
  if (wanted === 0) return found;
  const consumer = kafkaClient(brokers).consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const complete = Promise.withResolvers<void>();
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        found.push({ ...message, partition });
        if (found.length >= wanted) complete.resolve();
      },
    });
    await complete.promise;
  } finally {
    await consumer.disconnect();
  }
  return found;
}
