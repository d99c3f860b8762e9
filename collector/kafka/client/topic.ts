import kafkajs, { type Admin } from 'kafkajs';
import { OriginscopeError } from '../../../core/errors.ts';
import { kafkaErrorType } from './connection.ts';

// Node detects only some of the named exports of kafkajs.
const { ConfigResourceTypes } = kafkajs;

/** A planned or existing topic. `config` has Kafka's own names and values. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

/**
 * The existing topic, with every setting in `TOPIC_SETTINGS`.
 *
 * @throws OriginscopeError `TOPIC_MISSING`; errors of kafkajs
 */
export async function readTopic(admin: Admin, name: string): Promise<Topic> {
  const topic = await findTopic(admin, name);
  if (topic === undefined) throw topicMissing(name);
  return topic;
}

/** The relevant settings, whether set on the topic or defaults of the brokers. */
const TOPIC_SETTINGS = [
  'cleanup.policy',
  'compression.type',
  'max.message.bytes',
  'message.timestamp.type',
  'min.insync.replicas',
  'retention.ms',
] as const;

/** @returns undefined when there is no such topic */
export async function findTopic(admin: Admin, name: string): Promise<Topic | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const partitions = topics[0]?.partitions ?? [];
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configNames: [...TOPIC_SETTINGS] }],
    });
    const entries = resources[0]?.configEntries ?? [];
    return {
      name,
      partitions: partitions.length,
      replication: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      config: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
    };
  } catch (error) {
    if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

export function topicMissing(name: string, cause?: unknown): OriginscopeError {
  return new OriginscopeError('TOPIC_MISSING', { topic: name, cause });
}
