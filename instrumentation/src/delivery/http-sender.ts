import { ClientRequest, Agent as HttpAgent, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from './clock.ts';
import type { Target } from './target.ts';
import { untraced } from './untraced.ts';

/** The result of one attempt to send a body. */
export type SendResult =
  | { readonly outcome: 'accepted'; readonly rejected: number; readonly message: string }
  /** No response, or a response that asks to retry later: the same body must be sent again. */
  | { readonly outcome: 'retry'; readonly afterMillis: number; readonly message: string }
  | { readonly outcome: 'too_large' }
  /** The receiver will never accept it. */
  | { readonly outcome: 'refused'; readonly status: number };

export interface Sender {
  /** Never rejects. */
  send(gzipped: Uint8Array): Promise<SendResult>;
  /** The address of the receiver, known after its first response. */
  readonly address: string | undefined;
  close(): void;
}

/**
 * What `request` of `node:http` and `node:https` returns, made without these functions: agents replace them
 * by ones that trace. The types of Node lack the options.
 */
const OutgoingRequest = ClientRequest as unknown as new (url: URL, options: RequestOptions) => ClientRequest;

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_RETRY_AFTER_MILLIS = 60_000;

/** Sends bodies over one keep-alive connection that does not keep the process alive. */
export function httpSender(target: Target, clock: Clock): Sender {
  const agentOptions = { keepAlive: true, maxSockets: 1, ...target.tls };
  const { protocol } = target.url;
  const agent = protocol === 'https:' ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);

  let address: string | undefined;

  const attempt = (gzipped: Uint8Array): Promise<SendResult> =>
    new Promise((resolve, reject) => {
      const outgoing = new OutgoingRequest(target.url, {
        method: 'POST',
        agent,
        headers: {
          ...target.headers,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'content-length': gzipped.byteLength,
        },
      });
      const cancelTimeout = clock.after(target.timeoutMillis, () =>
        outgoing.destroy(new Error(`no response within ${target.timeoutMillis} ms`)),
      );
      outgoing.on('socket', (socket) => socket.unref());
      outgoing.on('response', (response) => {
        address = response.socket.remoteAddress;
        readAnswer(response).then(resolve, reject);
      });
      outgoing.on('error', reject);
      outgoing.on('close', cancelTimeout);
      outgoing.end(gzipped);
    });

  const readAnswer = async (response: IncomingMessage): Promise<SendResult> => {
    const body = await textOf(response);
    return resultOf(response.statusCode ?? 0, response.headers['retry-after'], body, clock.now());
  };

  return {
    send: (gzipped) =>
      untraced(() => attempt(gzipped)).catch((error: unknown) => ({
        outcome: 'retry',
        afterMillis: 0,
        message: error instanceof Error ? error.message || error.name : String(error),
      })),
    get address() {
      return address;
    },
    close: () => agent.destroy(),
  };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Retryable responses as OTLP/HTTP defines them: https://opentelemetry.io/docs/specs/otlp/#failures-1 */
function resultOf(status: number, retryAfter: string | undefined, body: string, now: number): SendResult {
  if (status >= 200 && status < 300) return { outcome: 'accepted', ...partialSuccessOf(body) };
  if (status === 413) return { outcome: 'too_large' };
  if (status === 408 || status === 429 || status >= 500) {
    return { outcome: 'retry', afterMillis: retryAfterOf(retryAfter, now), message: `status ${status}` };
  }
  return { outcome: 'refused', status };
}

/**
 * Parses Retry-After (https://www.rfc-editor.org/rfc/rfc9110#name-retry-after).
 * @returns milliseconds from `now`, bounded; 0 when absent or malformed
 */
function retryAfterOf(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  const millis = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(millis) ? 0 : Math.min(Math.max(millis, 0), MAX_RETRY_AFTER_MILLIS);
}

/** An ExportTraceServiceResponse; an empty body is a full success. */
function partialSuccessOf(body: string): { rejected: number; message: string } {
  try {
    const { partialSuccess } = JSON.parse(body) as {
      partialSuccess?: { rejectedSpans?: unknown; errorMessage?: unknown };
    };
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    const message = partialSuccess?.errorMessage;
    return {
      rejected: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0,
      message: typeof message === 'string' ? message : '',
    };
  } catch {
    return { rejected: 0, message: '' };
  }
}
