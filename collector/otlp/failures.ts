import { OriginscopeError } from '../../core/errors.ts';
import type { ReceiverCounters } from './counters.ts';
import { RPC, type RpcCode } from './replies.ts';

/** How a failure is answered, and under which name it is counted. */
interface Failure {
  readonly status: number;
  readonly rpc: RpcCode;
  readonly counter: keyof ReceiverCounters['requests'];
  readonly message: string;
}

/**
 * The answer to each error (https://opentelemetry.io/docs/specs/otlp/#failures-1). Senders try 503 again and give
 * up after 4xx, so an error is 4xx only where it is known that trying again cannot help.
 */
const ANSWERS: Readonly<Record<string, Omit<Failure, 'message'>>> = {
  OTLP_MALFORMED: { status: 400, rpc: RPC.invalidArgument, counter: 'malformed' },
  BODY_MALFORMED: { status: 400, rpc: RPC.invalidArgument, counter: 'malformed' },
  BODY_ABORTED: { status: 400, rpc: RPC.invalidArgument, counter: 'aborted' },
  TOKEN_MISSING: { status: 401, rpc: RPC.unauthenticated, counter: 'unauthenticated' },
  TOKEN_INVALID: { status: 401, rpc: RPC.unauthenticated, counter: 'unauthenticated' },
  HOST_FOREIGN: { status: 403, rpc: RPC.permissionDenied, counter: 'forbidden' },
  ORIGIN_FOREIGN: { status: 403, rpc: RPC.permissionDenied, counter: 'forbidden' },
  BODY_TIMEOUT: { status: 503, rpc: RPC.unavailable, counter: 'timedOut' },
  BODY_RATIO: { status: 413, rpc: RPC.resourceExhausted, counter: 'tooLarge' },
  BODY_TOO_LARGE: { status: 413, rpc: RPC.resourceExhausted, counter: 'tooLarge' },
  CONTENT_ENCODING_UNSUPPORTED: { status: 415, rpc: RPC.invalidArgument, counter: 'unsupported' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, rpc: RPC.invalidArgument, counter: 'unsupported' },
  OVERLOADED: { status: 503, rpc: RPC.unavailable, counter: 'overloaded' },
};
const MEDIA_TYPE = 'The Content-Type is not spoken here. Send application/x-protobuf or application/json.';
const REFUSED = { status: 400, rpc: RPC.invalidArgument, counter: 'refused' } as const;
const FAILED = { status: 503, rpc: RPC.unavailable, counter: 'failed' } as const;

export function failureOf(error: unknown): Failure {
  const answer = ANSWERS[codeOf(error)];
  if (!(error instanceof OriginscopeError)) {
    // Other errors may reveal too much to clients.
    const message = answer === undefined ? 'The collector failed. Send the same spans again.' : MEDIA_TYPE;
    return { ...(answer ?? FAILED), message };
  }
  const message = `${error.message}. ${error.remedy}`;
  return { ...(answer ?? (error.retryable ? FAILED : REFUSED)), message };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
