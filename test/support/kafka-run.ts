import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { describe, inject, onTestFinished } from 'vitest';
import { topicIsKnown } from '../../collector/kafka/admin/topics.ts';
import { withAdmin as withAdminOf } from '../../collector/kafka/client/connection.ts';
import { stopIdlePolling } from '../../collector/kafka/client/kafkajs-patches/request-queue.ts';
import { describeUnless } from './describe-unless.ts';
import type { KafkaAddresses } from './kafka.ts';
import { until } from './until.ts';

/** Tests against the broker of the run; on a machine without one, a skipped test with the reason. */
export function describeKafka(name: string, tests: (kafka: KafkaAddresses) => void): void {
  const kafka = inject('kafka');
  if (typeof kafka === 'string') describeUnless(kafka, name, () => {});
  else describe(name, () => tests(kafka));
}

/** An independent client, to see what the broker has. */
export function kafkaClient(brokers: readonly string[]): Kafka {
  stopIdlePolling();
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}

export async function withAdmin<Result>(
  brokers: readonly string[],
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  return withAdminOf(kafkaClient(brokers), work);
}

export interface TopicOptions {
  readonly partitions?: number;
  /** Settings of the topic, as Kafka names them. */
  readonly config?: Readonly<Record<string, string>>;
}

/** A topic with a unique name, deleted when the test ends. */
export async function temporaryTopic(
  brokers: readonly string[],
  { partitions = 1, config = {} }: TopicOptions = {},
): Promise<string> {
  const topic = `test_${randomUUID()}`;
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await withAdmin(brokers, async (admin) => {
    const topics = [{ topic, numPartitions: partitions, configEntries }];
    await admin.createTopics({ topics, waitForLeaders: false });
    await topicIsKnown(admin, topic);
    // A broker reports a topic shortly before it leads its partitions.
    await until(
      () =>
        admin.fetchTopicOffsets(topic).then(
          () => true,
          () => false,
        ),
      50,
    );
  });
  topicsDeletedAfter(brokers, [topic]);
  return topic;
}

/** Deletes what a test had made of these topics, when it ends. */
export function topicsDeletedAfter(brokers: readonly string[], topics: readonly string[]): void {
  onTestFinished(() =>
    withAdmin(brokers, async (admin) => {
      // For one that does not exist kafkajs would try for ten seconds.
      const present = new Set(await admin.listTopics());
      await admin.deleteTopics({ topics: topics.filter((topic) => present.has(topic)) });
    }).catch(() => undefined),
  );
}
