import type { ClickHouseLocation } from '../../clickhouse/connection.ts';
import type { Retention } from '../../clickhouse/retention.ts';
import type { TopicPlan } from '../../collector/kafka/admin/topics.ts';
import type { KafkaLocation } from '../../collector/kafka/client/connection.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { readText } from './read-settings.ts';
import type { SettingName, Settings } from './table.ts';

/** Settings that go together: what commands list as theirs, and what the collector calls them. */

export const RETENTION_SETTINGS = ['keepRaw', 'keepMinutes', 'keepHours'] as const satisfies SettingName[];

export function retentionOf(settings: Settings): Retention {
  return {
    rawHours: settings.keepRaw,
    minutesDays: settings.keepMinutes,
    hoursMonths: settings.keepHours,
  };
}

export const CLICKHOUSE_SETTINGS = [
  'clickhouse',
  'clickhouseUser',
  'clickhousePassword',
  'clickhouseCa',
  'clickhouseTimeout',
  'cluster',
] as const satisfies SettingName[];

/**
 * The server, when one is given.
 *
 * @throws OriginscopeError `CONFIG_UNREADABLE`
 */
export function serverOf(settings: Settings): Extract<ClickHouseLocation, { url: string }> | undefined {
  if (settings.clickhouse === undefined) return undefined;
  return {
    url: settings.clickhouse,
    username: settings.clickhouseUser,
    password: settings.clickhousePassword ?? '',
    timeoutMillis: settings.clickhouseTimeout * 1_000,
    ca: readPem(settings.clickhouseCa, '--clickhouse-ca'),
    cluster: settings.cluster,
  };
}

/**
 * The server, for a command that has no other place to work on.
 *
 * @throws OriginscopeError `CONFIG_UNREADABLE`, `SETTING_MISSING`
 */
export function requiredServerOf(settings: Settings): Extract<ClickHouseLocation, { url: string }> {
  const server = serverOf(settings);
  if (server !== undefined) return server;
  throw new OriginscopeError('SETTING_MISSING', {
    problem: 'this command needs a ClickHouse server',
    remedy:
      'Give --clickhouse https://host:8443/database, or ORIGINSCOPE_CLICKHOUSE. The embedded database belongs to "originscope up".',
  });
}

export const KAFKA_SETTINGS = [
  'brokers',
  'kafkaSecurity',
  'kafkaSasl',
  'kafkaUser',
  'kafkaPassword',
  'kafkaCa',
  'kafkaCert',
  'kafkaKey',
] as const satisfies SettingName[];

/** @throws OriginscopeError `CONFIG_UNREADABLE`, `SETTING_MISSING` */
export function kafkaOf(settings: Settings): KafkaLocation {
  const { brokers, kafkaSecurity: security, kafkaSasl: mechanism } = settings;
  const { kafkaUser: username, kafkaPassword: password } = settings;
  if (security.startsWith('sasl') && (username === undefined || password === undefined)) {
    throw new OriginscopeError('SETTING_MISSING', {
      problem: `--kafka-security ${security} needs a user and a password`,
      remedy: 'Give --kafka-user, and the password in ORIGINSCOPE_KAFKA_PASSWORD or its _FILE.',
    });
  }
  return {
    brokers,
    tls: security.endsWith('ssl')
      ? {
          ca: readPem(settings.kafkaCa, '--kafka-ca'),
          cert: readPem(settings.kafkaCert, '--kafka-cert'),
          key: readPem(settings.kafkaKey, '--kafka-key'),
        }
      : undefined,
    sasl:
      security.startsWith('sasl') && username !== undefined && password !== undefined
        ? { mechanism, username, password }
        : undefined,
  };
}

export const TOPIC_SETTINGS = [
  'topic',
  'deadLetterTopic',
  'partitions',
  'replication',
  'keepTopic',
  'keepDeadLetters',
] as const satisfies SettingName[];

export function topicPlanOf(settings: Settings): TopicPlan {
  const { topic, deadLetterTopic, partitions, replication, keepTopic, keepDeadLetters } = settings;
  return {
    topic,
    deadLetterTopic,
    partitions,
    replication,
    keepHours: keepTopic,
    keepDeadLetterDays: keepDeadLetters,
  };
}

function readPem(path: string | undefined, flag: string): string | undefined {
  return path === undefined ? undefined : readText(path, flag);
}
