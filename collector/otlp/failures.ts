import { ERRORS, type ErrorCode, type ErrorDefinition, type GrpcStatus } from '../../core/error-codes.ts';
import { codeOf, OriginscopeError } from '../../core/errors.ts';
import type { ReceiverCounters } from './counters.ts';

type RequestCounter = keyof ReceiverCounters['requests'];

/** How a failure is answered, and under which name it is counted. */
interface RequestFailure {
  readonly http: number;
  readonly grpc: GrpcStatus;
  readonly counter: RequestCounter;
  readonly message: string;
}

const COUNTERS: Partial<Record<ErrorCode, RequestCounter>> = {
  OTLP_MALFORMED: 'malformed',
  BODY_MALFORMED: 'malformed',
  BODY_ABORTED: 'aborted',
  TOKEN_MISSING: 'unauthenticated',
  TOKEN_INVALID: 'unauthenticated',
  HOST_FOREIGN: 'forbidden',
  ORIGIN_FOREIGN: 'forbidden',
  BODY_TIMEOUT: 'timedOut',
  BODY_RATIO: 'tooLarge',
  BODY_TOO_LARGE: 'tooLarge',
  CONTENT_ENCODING_UNSUPPORTED: 'unsupported',
  OVERLOADED: 'overloaded',
};

const UNSUPPORTED_MEDIA_TYPE: RequestFailure = {
  http: 415,
  grpc: 'INVALID_ARGUMENT',
  counter: 'unsupported',
  message: 'Unsupported Content-Type. Send application/x-protobuf or application/json.',
};

/** Without the message of the error, which may tell a stranger too much. */
const UNEXPECTED: RequestFailure = {
  http: 503,
  grpc: 'UNAVAILABLE',
  counter: 'failed',
  message: 'The collector failed. Send the same spans again.',
};

/**
 * The answer to each error (https://opentelemetry.io/docs/specs/otlp/#failures-1). Senders try 503 again and give
 * up after 4xx, so an error is 4xx only where it is known that a retry cannot help.
 */
export function failureOf(error: unknown): RequestFailure {
  if (!(error instanceof OriginscopeError)) {
    return codeOf(error) === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' ? UNSUPPORTED_MEDIA_TYPE : UNEXPECTED;
  }
  const { code, retryable, message, remedy } = error;
  const definition: ErrorDefinition = ERRORS[code];
  return {
    http: definition.http ?? (retryable ? 503 : 400),
    grpc: definition.grpc ?? (retryable ? 'UNAVAILABLE' : 'INVALID_ARGUMENT'),
    counter: COUNTERS[code] ?? (retryable ? 'failed' : 'refused'),
    message: `${message}. ${remedy}`,
  };
}
