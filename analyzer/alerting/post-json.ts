import { OriginscopeError } from '../../core/errors.ts';
import { safeText } from './safe-text.ts';

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMillis: number;
}

/** Of an answer, as far as anybody reads it. */
const ANSWER_LIMIT = 300;

/**
 * Posts JSON and reads no more than the beginning of the answer. Redirects are not followed: the body and the
 * headers are for this address alone.
 *
 * @throws OriginscopeError `ALERT_NOT_DELIVERED` (retryable): no answer, or one that a later attempt may not get;
 *   `ALERT_REJECTED`: another attempt would be answered the same
 */
export async function postJson(url: string, body: string, options: PostOptions): Promise<void> {
  const { headers = {}, timeoutMillis } = options;
  let status: number;
  let answer: string;
  let isPage: boolean;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMillis),
    });
    status = response.status;
    isPage = /^text\/html\b/i.test(response.headers.get('content-type') ?? '');
    answer = await beginningOf(response);
  } catch (cause) {
    throw notDelivered(url, safeText(reasonOf(cause), ANSWER_LIMIT), cause);
  }
  if (status >= 200 && status < 300) {
    // A proxy's sign-in page is answered with 200, too.
    if (isPage) throw notDelivered(url, 'it answered with an HTML page');
    return;
  }
  const reason = `it answered ${status}${answer === '' ? '' : `: ${answer}`}`;
  if (status >= 500 || status === 408 || status === 429) throw notDelivered(url, reason);
  throw new OriginscopeError('ALERT_REJECTED', {
    receiver: shown(url),
    reason,
    ...(status >= 300 && status < 400 && { remedy: 'Use the URL that it redirects to.' }),
  });
}

async function beginningOf(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop cancels the rest.
    if (text.length >= ANSWER_LIMIT) break;
  }
  return safeText(text.trim(), ANSWER_LIMIT);
}

function notDelivered(url: string, reason: string, cause?: unknown): OriginscopeError {
  return new OriginscopeError('ALERT_NOT_DELIVERED', { receiver: shown(url), reason, cause });
}

/** Without the path and query, which may hold a secret. */
export function shown(url: string): string {
  return new URL(url).origin;
}

/** Of `fetch`, whose own message is "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  return cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : error.message;
}
