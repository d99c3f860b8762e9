import { Command } from 'commander';
import { pino } from 'pino';
import { compareTopics, createTopics, type TopicOutcome } from '../collector/kafka/admin/topics.ts';
import { kafkaAt, kafkaUnavailable, withAdmin } from '../collector/kafka/client/connection.ts';
import { counted } from '../core/counted.ts';
import { originscopeCommand } from '../core/program.ts';
import { KAFKA_SETTINGS, kafkaOf, TOPIC_SETTINGS, topicPlanOf } from './settings/kafka.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';

const SETTINGS = [...KAFKA_SETTINGS, ...TOPIC_SETTINGS];

export function topics(command: Command): Command {
  return command
    .addCommand(
      topicsCommand(
        'create',
        'create the topics that are missing; says where existing ones differ',
        createTopics,
      ),
    )
    .addCommand(topicsCommand('show', 'compare the topics with what "create" would make', compareTopics));
}

function topicsCommand(name: string, description: string, work: typeof createTopics): Command {
  return addSettings(new Command(name).description(description), SETTINGS).action(
    async (flags: Record<string, unknown>) => {
      const settings = readSettings(flags, process.env);
      const location = kafkaOf(settings);
      const kafka = kafkaAt(location, pino({ level: 'silent' }));
      try {
        const outcomes = await withAdmin(kafka, (admin) => work(admin, topicPlanOf(settings)));
        for (const outcome of outcomes) process.stdout.write(described(outcome));
      } catch (error) {
        throw kafkaUnavailable(location, error);
      }
    },
  );
}

/** One line for the topic, and one for each difference. */
function described({ wanted, found, differences }: TopicOutcome): string {
  const { name, partitions, replication, config } = wanted;
  if (found === 'missing')
    return `${name}: missing; create it with "${originscopeCommand(['topics', 'create'])}"\n`;
  if (differences.length > 0) {
    const lines = differences.map((difference) => `  ${difference}\n`);
    return `${name}: exists, and differs; it is left as it is\n${lines.join('')}`;
  }
  const size = `${counted(partitions, 'partition')}, ${replication === 1 ? 'one copy' : `${replication} copies`}`;
  const hours = Number(config['retention.ms']) / 3_600_000;
  return `${name}: ${found === 'created' ? 'created' : 'exists'} with ${size}, kept for ${hours} hours\n`;
}
