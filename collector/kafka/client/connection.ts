import { type Admin, CompressionTypes, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import type { Logger } from 'pino';
import { causesOf, codeOf, OriginscopeError } from '../../../core/errors.ts';
import { printableMessage } from '../../../core/text.ts';
import { letClocksStep } from './kafkajs-patches/clock-steps.ts';
import { registerCodecs } from './kafkajs-patches/codecs.ts';
import { boundFetches } from './kafkajs-patches/fetch-response.ts';
import { letMembersJoinOnce } from './kafkajs-patches/join-once.ts';
import { letIdleConnectionsRest } from './kafkajs-patches/request-queue.ts';
import type { Compression, KafkaLocation } from './options.ts';

export const COMPRESSION_TYPES: Readonly<Record<Compression, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

/** kafkajs's own lines are one level quieter than it thinks: what it retries is no error of ours. */
const LEVELS = {
  [logLevel.ERROR]: 'warn',
  [logLevel.WARN]: 'info',
  [logLevel.INFO]: 'debug',
  [logLevel.DEBUG]: 'trace',
} as const;

/** How long kafkajs tries; its own defaults take up to half a minute to say that nobody answers. */
export type KafkaTimeouts = Pick<KafkaConfig, 'retry' | 'connectionTimeout' | 'requestTimeout'>;

/** A client for the brokers, with every codec that producers use; its lines go to the log. */
export function kafkaAt(location: KafkaLocation, log: Logger, timeouts: KafkaTimeouts = {}): Kafka {
  registerCodecs();
  boundFetches();
  letClocksStep();
  letIdleConnectionsRest();
  letMembersJoinOnce();
  const { tls, sasl } = location;
  return new Kafka({
    clientId: 'originscope',
    brokers: [...location.brokers],
    ...timeouts,
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

/** Connected for one piece of work: it is done every few seconds at most, and brokers come and go between. */
export async function withAdmin<Result>(
  kafka: Kafka,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Of what kafkajs adds to a line, what cannot be a secret or a message. */
function pick({ broker, groupId, topic, retryCount }: Readonly<Record<string, unknown>>) {
  return { broker, groupId, topic, retryCount };
}

/** The protocol's name of an error of kafkajs, or of what caused it: `UNKNOWN_TOPIC_OR_PARTITION`. */
export function kafkaErrorType(error: unknown): string | undefined {
  const typed = causesOf(error).find((each) => 'type' in each && typeof each.type === 'string');
  return typed !== undefined && 'type' in typed ? String(typed.type) : undefined;
}

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Whether brokers refuse a message or a batch for its size, which they will again. */
export function isTooLarge(error: unknown): boolean {
  return TOO_LARGE.has(kafkaErrorType(error) ?? '');
}

/** What is said when Kafka cannot be used: nobody answers, or our credentials were rejected. An
 * OriginscopeError says more already and is returned as it is. */
export function kafkaUnavailable(location: KafkaLocation, cause: unknown): OriginscopeError {
  if (cause instanceof OriginscopeError) return cause;
  const brokers = location.brokers.join(',');
  const problem = printableMessage(causesOf(cause).at(-1) ?? cause, 200);
  if (causesOf(cause).some(isDenial)) {
    return new OriginscopeError('KAFKA_DENIED', { brokers, problem, cause });
  }
  return new OriginscopeError('KAFKA_UNAVAILABLE', { brokers, problem, cause });
}

/** The codes with which Node and OpenSSL end a TLS handshake for its certificates. */
const CERTIFICATE_CODES = /^ERR_SSL_|^ERR_TLS_CERT|CERT|^UNABLE_TO_VERIFY/;

/** Whether a person has to act: what a broker refuses to this user or certificate, it refuses again. */
function isDenial(error: Error): boolean {
  const type = 'type' in error ? String(error.type) : '';
  return (
    error.name === 'KafkaJSSASLAuthenticationError' ||
    type === 'ILLEGAL_SASL_STATE' ||
    type.endsWith('_AUTHORIZATION_FAILED') ||
    CERTIFICATE_CODES.test(codeOf(error) ?? '')
  );
}
