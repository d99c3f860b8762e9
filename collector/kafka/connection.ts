import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import { OriginscopeError } from '../errors.ts';
import { registerCodecs } from './codecs.ts';

/** As Kafka's own clients name them (`security.protocol`), in lower case. */
export const SECURITY_PROTOCOLS = ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'] as const;
export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export const COMPRESSION_TYPES: Readonly<Record<Compression, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

/** Where Kafka is, and how it wants to be spoken to. Certificates and keys are PEM. */
export interface KafkaLocation {
  /** host:port. */
  readonly brokers: readonly string[];
  readonly tls?:
    | {
        readonly ca: string | undefined;
        readonly cert: string | undefined;
        readonly key: string | undefined;
      }
    | undefined;
  readonly sasl?:
    | {
        readonly mechanism: (typeof SASL_MECHANISMS)[number];
        readonly username: string;
        readonly password: string;
      }
    | undefined;
}

/** kafkajs's own lines are one level quieter than it thinks: what it retries is no error of ours. */
const LEVELS = {
  [logLevel.ERROR]: 'warn',
  [logLevel.WARN]: 'info',
  [logLevel.INFO]: 'debug',
  [logLevel.DEBUG]: 'trace',
} as const;

/** A client for the brokers, with every codec that producers use; its lines go to the log. */
export function kafkaAt(location: KafkaLocation, log: Logger): Kafka {
  registerCodecs();
  const { tls, sasl } = location;
  return new Kafka({
    clientId: 'originscope',
    brokers: [...location.brokers],
    ...(tls !== undefined && {
      ssl: {
        ...(tls.ca !== undefined && { ca: tls.ca }),
        ...(tls.cert !== undefined && { cert: tls.cert }),
        ...(tls.key !== undefined && { key: tls.key }),
      },
    }),
    ...(sasl !== undefined && { sasl: { ...sasl } as never }),
    logCreator:
      () =>
      ({ level, namespace, log: { message, error, ...rest } }) => {
        if (level === logLevel.NOTHING) return;
        log[LEVELS[level]]({ kafka: namespace, error, ...pick(rest) }, message);
      },
  });
}

/** Of what kafkajs adds to a line, what cannot be a secret or a message. */
function pick({ broker, groupId, topic, retryCount }: Readonly<Record<string, unknown>>) {
  return { broker, groupId, topic, retryCount };
}

/** An error of kafkajs, walking down its causes, by its protocol name: `UNKNOWN_TOPIC_OR_PARTITION`. */
export function kafkaErrorType(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 5) return undefined;
  if ('type' in error && typeof error.type === 'string') return error.type;
  return kafkaErrorType(error.cause, depth + 1);
}

/** What is said when no broker can be spoken to. */
export function kafkaUnavailable(location: KafkaLocation, cause: unknown): OriginscopeError {
  return new OriginscopeError('KAFKA_UNAVAILABLE', `Kafka does not answer at ${location.brokers.join(',')}`, {
    cause,
    retryable: true,
    remedy: 'Check that the brokers run, --brokers, and --kafka-security with its user and certificates.',
  });
}
