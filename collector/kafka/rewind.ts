import type { Logger } from 'pino';
import { OPEN_MILLIS } from '../clickhouse/slots.ts';
import { OriginscopeError } from '../errors.ts';
import { type KafkaLocation, kafkaAt, kafkaErrorType, kafkaUnavailable } from './connection.ts';
import { positionsOf, withAdmin } from './positions.ts';
import { readTopic } from './topics.ts';

/**
 * Sets a group back to what was sent at a time (epoch milliseconds), so that its next consumers read on from
 * there. All of the group or nothing: it must have no members.
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
      const offsets = await positionsOf(kafka, { topic, group }).at(since);
      const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
      await admin.setOffsets({ groupId: group, topic, partitions });
    });
  } catch (error) {
    if (error instanceof OriginscopeError) throw error;
    throw kafkaErrorType(error) === 'UNKNOWN_MEMBER_ID' ? active(group) : kafkaUnavailable(location, error);
  }
  log.info({ topic, group, since: new Date(since).toISOString() }, 'the group reads again from here');
}

function tooEarly(since: number): OriginscopeError {
  const time = new Date(since).toISOString();
  return new OriginscopeError(
    'SINCE_TOO_EARLY',
    `--since ${time} is more than 48 hours ago: most slots of that time are frozen`,
    { remedy: `To read them anew: originscope rebuild --since ${time} --until TIME.` },
  );
}

function active(group: string): OriginscopeError {
  return new OriginscopeError('GROUP_ACTIVE', `Consumers of the group ${group} are running`, {
    remedy: 'Stop them first: --since sets the whole group back. Or wait a minute if they were killed.',
  });
}
