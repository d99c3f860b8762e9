import { type Admin, CompressionTypes, Kafka, type KafkaConfig } from 'kafkajs';
import type { Logger } from 'pino';
import { causesOf, codeOf, OriginscopeError } from '../../../core/errors.ts';
import { printableMessage } from '../../../core/text.ts';
import { kafkajsLog } from './kafkajs-log.ts';
import { tolerateClockSteps } from './kafkajs-patches/clock-steps.ts';
import { registerCodecs } from './kafkajs-patches/codecs.ts';
import { limitFetches } from './kafkajs-patches/fetch-response.ts';
import { joinGroupOnce } from './kafkajs-patches/join-once.ts';
import { stopIdlePolling } from './kafkajs-patches/request-queue.ts';
import type { Compression, KafkaLocation } from './options.ts';

export const COMPRESSION_TYPES: Readonly<Record<Compression, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

/** Timeouts and retries of kafkajs; its defaults take up to half a minute to report an unreachable broker. */
export type KafkaTimeouts = Pick<KafkaConfig, 'retry' | 'connectionTimeout' | 'requestTimeout'>;

/** Creates a client with every codec that producers use; its lines go to the log. */
export function kafkaAt(location: KafkaLocation, log: Logger, timeouts: KafkaTimeouts = {}): Kafka {
  registerCodecs();
  limitFetches();
  tolerateClockSteps();
  stopIdlePolling();
  joinGroupOnce();
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
    logCreator: () => kafkajsLog(log),
  });
}

/**
 * Connects an admin client for one operation: it is used every few seconds at most, and brokers may restart
 * in between.
 */
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

/** The protocol name of an error of kafkajs, or of its cause: `UNKNOWN_TOPIC_OR_PARTITION`. */
export function kafkaErrorType(error: unknown): string | undefined {
  const typed = causesOf(error).find((each) => 'type' in each && typeof each.type === 'string');
  return typed !== undefined && 'type' in typed ? String(typed.type) : undefined;
}

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Whether brokers permanently reject a message or a batch because of its size. */
export function isTooLarge(error: unknown): boolean {
  return TOO_LARGE.has(kafkaErrorType(error) ?? '');
}

/**
 * The error when Kafka is unusable: unreachable, or access denied. An OriginscopeError is returned
 * unchanged.
 */
export function kafkaUnavailable(location: KafkaLocation, cause: unknown): OriginscopeError {
  if (cause instanceof OriginscopeError) return cause;
  const brokers = location.brokers.join(',');
  const problem = printableMessage(causesOf(cause).at(-1) ?? cause, 200);
  if (causesOf(cause).some(isDenial)) {
    return new OriginscopeError('KAFKA_DENIED', { brokers, problem, cause });
  }
  return new OriginscopeError('KAFKA_UNAVAILABLE', { brokers, problem, cause });
}

/** The codes of Node and OpenSSL for TLS handshakes that fail because of certificates. */
const CERTIFICATE_CODES = /^ERR_SSL_|^ERR_TLS_CERT|CERT|^UNABLE_TO_VERIFY/;

/** Whether a person has to act, because the broker rejects this user or certificate. */
function isDenial(error: Error): boolean {
  const type = 'type' in error ? String(error.type) : '';
  return (
    error.name === 'KafkaJSSASLAuthenticationError' ||
    type === 'ILLEGAL_SASL_STATE' ||
    type.endsWith('_AUTHORIZATION_FAILED') ||
    CERTIFICATE_CODES.test(codeOf(error) ?? '')
  );
}
