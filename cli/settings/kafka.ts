import { z } from 'zod';
import type { TopicPlan } from '../../collector/kafka/admin/topics.ts';
import {
  COMPRESSIONS,
  type KafkaLocation,
  SASL_MECHANISMS,
  SECURITY_PROTOCOLS,
} from '../../collector/kafka/client/options.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { readPem } from './read-text.ts';
import { namesOf, type SettingGroup, text, type Values, wholeNumber } from './setting.ts';

// As Kafka takes them.
const topic = z
  .string()
  .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'a topic name has letters, digits, ".", "_" and "-"');
const brokers = text
  .transform((list) => list.split(',').map((broker) => broker.trim()))
  .refine(
    (list) => list.every((broker) => /^\S+:\d+$/.test(broker)),
    'brokers are host:port, separated by commas',
  );
/** Where Kafka is. */
export const KAFKA = {
  brokers: {
    flag: '--brokers <list>',
    description: 'Kafka brokers, host:port separated by commas',
    schema: brokers,
    default: '127.0.0.1:9092',
  },
  kafkaSecurity: {
    flag: '--kafka-security <protocol>',
    description: `security protocol of the brokers: ${SECURITY_PROTOCOLS.join(', ')}`,
    schema: z.enum(SECURITY_PROTOCOLS),
    default: 'plaintext',
  },
  kafkaSasl: {
    flag: '--kafka-sasl <mechanism>',
    description: `SASL mechanism: ${SASL_MECHANISMS.join(', ')}`,
    schema: z.enum(SASL_MECHANISMS),
    default: 'scram-sha-512',
  },
  kafkaUser: {
    flag: '--kafka-user <name>',
    description: 'SASL user',
    schema: text,
  },
  kafkaPassword: {
    flag: '--kafka-password <secret>',
    description: 'SASL password; prefer ORIGINSCOPE_KAFKA_PASSWORD or _KAFKA_PASSWORD_FILE',
    schema: text,
    secret: true,
  },
  kafkaCa: {
    flag: '--kafka-ca <file>',
    description: 'CA certificate of the brokers, PEM, if the system does not trust it',
    schema: text,
  },
  kafkaCert: {
    flag: '--kafka-cert <file>',
    description: 'client certificate, for brokers that require one, PEM',
    schema: text,
  },
  kafkaKey: {
    flag: '--kafka-key <file>',
    description: 'private key of the client certificate, PEM',
    schema: text,
  },
} as const satisfies SettingGroup;

/** The topics, and how they are made. */
export const TOPICS = {
  topic: {
    flag: '--topic <name>',
    description: 'Kafka topic of the OTLP requests',
    schema: topic,
    default: 'otlp_spans',
  },
  deadLetterTopic: {
    flag: '--dead-letter-topic <name>',
    description: 'dead-letter topic: messages that cannot be stored',
    schema: topic,
    default: 'otlp_spans_dead_letter',
  },
  partitions: {
    flag: '--partitions <number>',
    description: 'partitions of a new topic; also the largest number of consumers that share the work',
    schema: wholeNumber(1, 10_000),
    default: 12,
  },
  replication: {
    flag: '--replication <number>',
    description: 'replicas of each partition; by default 3, or the number of brokers if that is smaller',
    schema: wholeNumber(1, 9),
  },
  keepTopic: {
    flag: '--keep-topic <hours>',
    description:
      'retention of the topic in hours; at least 48, because late spans are accepted for that long',
    schema: wholeNumber(48, 24 * 366),
    default: 72,
  },
  keepDeadLetters: {
    flag: '--keep-dead-letters <days>',
    description: 'retention of the dead-letter topic in days',
    schema: wholeNumber(1, 366),
    default: 14,
  },
} as const satisfies SettingGroup;

/** How a process reads and writes a topic. */
export const KAFKA_CLIENT = {
  group: {
    flag: '--group <name>',
    description: 'Kafka consumer group; its members share the partitions',
    schema: text.max(255),
    default: 'originscope',
  },
  sessionTimeout: {
    flag: '--session-timeout <seconds>',
    description: 'session timeout after which an unresponsive consumer loses its partitions',
    schema: wholeNumber(6, 600),
    default: 45,
  },
  compression: {
    flag: '--compression <codec>',
    description: `compression of messages to Kafka: ${COMPRESSIONS.join(', ')}`,
    schema: z.enum(COMPRESSIONS),
    default: 'zstd',
  },
} as const satisfies SettingGroup;

export const KAFKA_SETTINGS = namesOf(KAFKA);
export const TOPIC_SETTINGS = namesOf(TOPICS);

/** @throws OriginscopeError `CONFIG_UNREADABLE`, `SETTING_MISSING` */
export function kafkaOf(settings: Values<typeof KAFKA>): KafkaLocation {
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

export function topicPlanOf(settings: Values<typeof TOPICS>): TopicPlan {
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
