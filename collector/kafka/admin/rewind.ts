import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { OriginscopeError } from '../../../core/errors.ts';
import { OPEN_MILLIS } from '../../../core/slots.ts';
import { kafkaAt, kafkaUnavailable, withAdmin } from '../client/connection.ts';
import type { KafkaLocation } from '../client/options.ts';
import { positionsOf } from '../client/positions.ts';
import { readTopic } from '../client/topic.ts';

/**
 * Resets a group to the messages sent at a time (epoch milliseconds), from where its next consumers
 * continue. Atomic for the whole group, which must have no members.
 *
 * @throws OriginscopeError `SINCE_TOO_EARLY`, `GROUP_ACTIVE`, `TOPIC_MISSING`, `KAFKA_UNAVAILABLE`
 */
export async function rewind(
  location: KafkaLocation,
  options: {
    readonly topic: string;
    readonly group: string;
    readonly since: number;
    readonly now: number;
    readonly log: Logger;
  },
): Promise<void> {
  const { topic, group, since, now, log } = options;
  if (since < now - OPEN_MILLIS) throw tooEarly(since);
  const kafka = kafkaAt(location, log);
  try {
    await withAdmin(kafka, async (admin) => {
      await readTopic(admin, topic);
      const { groups } = await admin.describeGroups([group]);
      if (groups.some(({ members }) => members.length > 0)) throw active(group);
    });
    const offsets = await positionsOf(kafka, { topic, group }).at(since);
    await commitAs(kafka, group, topic, offsets);
  } catch (error) {
    throw kafkaUnavailable(location, error);
  }
  log.info({ topic, group, since: new Date(since).toISOString() }, 'the group was reset to this time');
}

/** Commits as a member that reads nothing: kafkajs's own method takes five seconds. */
async function commitAs(
  kafka: Kafka,
  groupId: string,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: 100 });
  const joined = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.GROUP_JOIN, () => {
      consumer.pause([{ topic }]);
      resolve();
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await Promise.all([consumer.run({ autoCommit: false, eachBatch: async () => {} }), joined]);
    await consumer.commitOffsets(
      [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
    );
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}

function tooEarly(since: number): OriginscopeError {
  const time = new Date(since).toISOString();
  return new OriginscopeError('SINCE_TOO_EARLY', { time });
}

function active(group: string): OriginscopeError {
  return new OriginscopeError('GROUP_ACTIVE', {
    group,
    remedy: 'Stop them first: --since sets the whole group back. Or wait a minute if they were killed.',
  });
}
