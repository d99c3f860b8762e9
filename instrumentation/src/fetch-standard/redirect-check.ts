import type { Failure } from './failure.ts';
import type { CorsExchange } from './observed-exchange.ts';

/** Where a response leads: Fetch §2.2.3 "redirect status" and §2.2.6 "location URL"; null when nowhere. */
export function redirectTarget(exchange: CorsExchange): string | null {
  const { status } = exchange;
  if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308) return null;
  // An empty Location is none to a browser.
  return exchange.response.location || null;
}

/**
 * Fetch §4.5 "HTTP-redirect fetch" steps 8 and 9: a request must not be led to a URL with a user name or a
 * password in it.
 */
export function redirectCheck(target: string): Failure | null {
  if (!URL.canParse(target, UNKNOWN_ORIGIN)) return null;
  const { username, password } = new URL(target, UNKNOWN_ORIGIN);
  if (username === '' && password === '') return null;
  return { reason: 'redirect_url_has_credentials', detail: targetOrigin(target), absent: false };
}

/** Whether a redirect leads away from a serialised origin; true when that is unknown. */
export function leavesOrigin(target: string, origin: string | null): boolean {
  return origin === null || !URL.canParse(target, origin) || new URL(target, origin).origin !== origin;
}

/**
 * What is told of a redirect's target: its origin alone. User names, passwords, paths and queries are
 * somebody's secrets, or too many different ones.
 */
export function targetOrigin(target: string): string {
  const url = URL.canParse(target, UNKNOWN_ORIGIN) ? new URL(target, UNKNOWN_ORIGIN) : null;
  if (url === null) return '(invalid)';
  return url.origin === UNKNOWN_ORIGIN ? '(same origin)' : `${url.protocol}//${url.host}`;
}

const UNKNOWN_ORIGIN = 'http://unknown.invalid';
