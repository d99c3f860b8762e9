import { z } from 'zod';
import { isDashboardTemplate } from '../../analyzer/alerting/alert-links.ts';
import { parsePageRules } from '../../analyzer/alerting/page-policy.ts';
import { parseSamplingRatios } from '../../collector/derivation/sampling.ts';
import {
  COMPRESSIONS,
  SASL_MECHANISMS,
  SECURITY_PROTOCOLS,
} from '../../collector/kafka/client/connection.ts';

/**
 * Every setting once: its flag, its variable (`ORIGINSCOPE_` and the key in capitals), what it accepts and
 * what it means. Flags, environment, file, `--help`, `config` and the README's table all come from here.
 */
export interface Setting {
  readonly flag: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly default?: string | number;
  /** Never shown; its variable with `_FILE` behind it names a file that holds it. */
  readonly secret?: true;
}

const text = z.string().min(1);
const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const port = wholeNumber(0, 65_535);
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
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'an http:// or https:// URL is wanted' })
  .refine((url) => !/\/\/[^/]*@/.test(url), 'user and password have settings of their own');
const httpUrls = text
  .transform((list) => list.split(',').map((url) => url.trim()))
  .pipe(z.array(httpUrl).min(1));

export const SETTINGS = {
  data: {
    flag: '--data <directory>',
    description: 'where the embedded database lives',
    schema: text,
    default: './.originscope',
  },
  host: {
    flag: '--host <address>',
    description: 'address to listen on; any but a loopback address needs --token or --auth none',
    schema: text,
    default: '127.0.0.1',
  },
  port: {
    flag: '--port <number>',
    description: 'port of the OTLP/HTTP receiver; 0 takes a free one',
    schema: port,
    default: 4318,
  },
  metricsPort: {
    flag: '--metrics-port <number>',
    description: 'port on which a consumer answers /metrics, /healthz and /readyz; 0 takes a free one',
    schema: port,
    default: 9464,
  },
  token: {
    flag: '--token <secret>',
    description: 'bearer token of senders and of /metrics; better given by ORIGINSCOPE_TOKEN or _TOKEN_FILE',
    schema: z.string().min(8),
    secret: true,
  },
  auth: {
    flag: '--auth <mode>',
    description: '"token", or "none" to let everybody send and read metrics from everywhere',
    schema: z.enum(['token', 'none']),
    default: 'token',
  },
  samplingRatios: {
    flag: '--sampling-ratios <pairs>',
    description:
      'by which ratio services sample the HTTP spans that decisions are derived from: orders=0.1,*=1',
    schema: z.string().min(3).transform(parseSamplingRatios),
  },
  inboundTracestate: {
    flag: '--inbound-tracestate <trust>',
    description:
      'whether the ratio in a tracestate that clients send (ot=th:…) is believed, where none is given: "ignored" or "trusted"',
    schema: z.enum(['ignored', 'trusted']),
    default: 'ignored',
  },
  keepRaw: {
    flag: '--keep-raw <hours>',
    description: 'hours that decision spans are kept; at least the 48 for which late ones are taken',
    schema: wholeNumber(48, 24 * 366),
    default: 48,
  },
  keepMinutes: {
    flag: '--keep-minutes <days>',
    description: 'days that usage by the minute and blocked requests are kept',
    schema: wholeNumber(3, 3_650),
    default: 30,
  },
  keepHours: {
    flag: '--keep-hours <months>',
    description: 'months that usage by the hour is kept',
    schema: wholeNumber(1, 1_200),
    default: 13,
  },
  clickhouse: {
    flag: '--clickhouse <url>',
    description: 'a ClickHouse server instead of the embedded database: https://host:8443/database',
    schema: httpUrl,
  },
  clickhouseUser: {
    flag: '--clickhouse-user <name>',
    description: 'user of the ClickHouse server',
    schema: text,
    default: 'default',
  },
  clickhousePassword: {
    flag: '--clickhouse-password <secret>',
    description: 'its password; better given by ORIGINSCOPE_CLICKHOUSE_PASSWORD or _CLICKHOUSE_PASSWORD_FILE',
    schema: z.string(),
    secret: true,
  },
  clickhouseCa: {
    flag: '--clickhouse-ca <file>',
    description: 'certificate authority of the ClickHouse server, PEM, where the system does not know it',
    schema: text,
  },
  clickhouseTimeout: {
    flag: '--clickhouse-timeout <seconds>',
    description: 'how long an answer of the ClickHouse server is waited for',
    schema: wholeNumber(1, 3_600),
    default: 60,
  },
  cluster: {
    flag: '--cluster <name>',
    description: 'the ClickHouse cluster whose nodes hold the tables: replicated, and sharded by span',
    // It stands in SQL where no parameter can.
    schema: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'a cluster name has letters, digits, "_" and "-"'),
  },
  brokers: {
    flag: '--brokers <list>',
    description: 'Kafka brokers, host:port separated by commas',
    schema: brokers,
    default: '127.0.0.1:9092',
  },
  kafkaSecurity: {
    flag: '--kafka-security <protocol>',
    description: `how brokers are spoken to: ${SECURITY_PROTOCOLS.join(', ')}`,
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
    description: 'SASL password; better given by ORIGINSCOPE_KAFKA_PASSWORD or _KAFKA_PASSWORD_FILE',
    schema: text,
    secret: true,
  },
  kafkaCa: {
    flag: '--kafka-ca <file>',
    description: 'certificate authority of the brokers, PEM, where the system does not know it',
    schema: text,
  },
  kafkaCert: {
    flag: '--kafka-cert <file>',
    description: 'our certificate for brokers that ask for one, PEM',
    schema: text,
  },
  kafkaKey: {
    flag: '--kafka-key <file>',
    description: 'the private key of that certificate, PEM',
    schema: text,
  },
  topic: {
    flag: '--topic <name>',
    description: 'Kafka topic of the OTLP bodies',
    schema: topic,
    default: 'otlp_spans',
  },
  deadLetterTopic: {
    flag: '--dead-letter-topic <name>',
    description: 'Kafka topic of the messages that cannot be stored',
    schema: topic,
    default: 'otlp_spans_dead_letter',
  },
  partitions: {
    flag: '--partitions <number>',
    description: 'partitions of the topic when it is created; at most so many consumers share the work',
    schema: wholeNumber(1, 10_000),
    default: 12,
  },
  replication: {
    flag: '--replication <number>',
    description: 'brokers that keep each partition; 3 when it is not given, or as many as there are',
    schema: wholeNumber(1, 9),
  },
  keepTopic: {
    flag: '--keep-topic <hours>',
    description: 'hours that Kafka keeps the OTLP bodies; at least the 48 for which late spans are taken',
    schema: wholeNumber(48, 24 * 366),
    default: 72,
  },
  keepDeadLetters: {
    flag: '--keep-dead-letters <days>',
    description: 'days that Kafka keeps the messages that cannot be stored',
    schema: wholeNumber(1, 366),
    default: 14,
  },
  group: {
    flag: '--group <name>',
    description: 'Kafka consumer group; its members share the partitions',
    schema: text.max(255),
    default: 'originscope',
  },
  sessionTimeout: {
    flag: '--session-timeout <seconds>',
    description: 'after which a silent consumer loses its partitions to the others',
    schema: wholeNumber(6, 600),
    default: 45,
  },
  compression: {
    flag: '--compression <codec>',
    description: `of messages to Kafka: ${COMPRESSIONS.join(', ')}`,
    schema: z.enum(COMPRESSIONS),
    default: 'zstd',
  },
  alertmanagers: {
    flag: '--alertmanagers <urls>',
    description: 'Alertmanagers that get the alerts, separated by commas: http://127.0.0.1:9093',
    schema: httpUrls,
  },
  alertmanagerAuth: {
    flag: '--alertmanager-auth <header>',
    description:
      'their Authorization header; better given by ORIGINSCOPE_ALERTMANAGER_AUTH or _ALERTMANAGER_AUTH_FILE',
    schema: z.string().regex(/^[\x21-\x7e]+ [\x21-\x7e]+$/, 'a scheme and credentials are expected'),
    secret: true,
  },
  webhook: {
    flag: '--webhook <url>',
    description: 'URL that gets a signed notification when an incident begins, changes and ends',
    schema: httpUrl,
    // Such URLs often hold a token.
    secret: true,
  },
  webhookSecret: {
    flag: '--webhook-secret <secret>',
    description: 'key of the signatures; better given by ORIGINSCOPE_WEBHOOK_SECRET or _WEBHOOK_SECRET_FILE',
    schema: z.string().min(16),
    secret: true,
  },
  pageRules: {
    flag: '--page-rules <rules>',
    description:
      'which incidents page, by class, severity and service: suspicious:critical=page,breakage:warning=ticket',
    schema: text.transform(parsePageRules),
  },
  dashboardUrl: {
    flag: '--dashboard-url <template>',
    description:
      'dashboard that alerts link to, with {service}, {environment}, {incident}, {from} and {to} in it',
    schema: text.refine(
      isDashboardTemplate,
      'an http:// or https:// URL is expected, with known placeholders',
    ),
  },
  runbookUrl: {
    flag: '--runbook-url <url>',
    description: 'where the runbooks that alerts link to are',
    schema: text,
    default: 'docs/runbooks',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = {
  readonly [K in SettingName]:
    | z.infer<(typeof SETTINGS)[K]['schema']>
    | ((typeof SETTINGS)[K] extends { default: unknown } ? never : undefined);
};

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];
