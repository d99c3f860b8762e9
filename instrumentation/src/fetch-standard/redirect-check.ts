import { OTHER } from '../attributes.ts';
import type { Failure } from './failure.ts';
import type { CorsExchange } from './observed-exchange.ts';

/** https://fetch.spec.whatwg.org/#redirect-status */
export function isRedirectStatus(status: number | undefined): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Where a response leads (https://fetch.spec.whatwg.org/#concept-response-location-url); null when nowhere. */
export function redirectTarget(exchange: CorsExchange): string | null {
  if (!isRedirectStatus(exchange.status)) return null;
  // An empty Location is none to a browser.
  return exchange.response.location || null;
}

/**
 * Fetch §4.5 "HTTP-redirect fetch" steps 3 to 9: a request must be led to an HTTP(S) URL without a user name or
 * a password in it.
 */
export function redirectCheck(target: string): Failure | null {
  const detail = targetOrigin(target);
  if (!URL.canParse(target, UNKNOWN_ORIGIN))
    return { reason: 'redirect_url_not_http', detail, absent: false };
  const { protocol, username, password } = new URL(target, UNKNOWN_ORIGIN);
  if (!isHttp(protocol)) return { reason: 'redirect_url_not_http', detail, absent: false };
  if (username === '' && password === '') return null;
  return { reason: 'redirect_url_has_credentials', detail, absent: false };
}

/** Whether a redirect leads away from a serialised origin; true when that is unknown. */
export function leavesOrigin(target: string, origin: string | null): boolean {
  return origin === null || !URL.canParse(target, origin) || new URL(target, origin).origin !== origin;
}

/**
 * What is told of a redirect's target: its origin, or its scheme where that is not HTTP(S). User names,
 * passwords, paths and queries are somebody's secrets, or too many different ones.
 */
export function targetOrigin(target: string): string {
  if (!URL.canParse(target, UNKNOWN_ORIGIN)) return '(invalid)';
  const { origin, protocol, host } = new URL(target, UNKNOWN_ORIGIN);
  if (origin === UNKNOWN_ORIGIN) return '(same origin)';
  if (isHttp(protocol)) return `${protocol}//${host}`;
  return KNOWN_SCHEMES.has(protocol) || /^[^:]*:\/\//.test(target) ? protocol : OTHER;
}

/** Schemes that need no slashes behind their colon; any other may be a user name before a password. */
const KNOWN_SCHEMES: ReadonlySet<string> = new Set(
  'about: blob: data: file: ftp: intent: javascript: mailto: sms: tel: urn:'.split(' '),
);

function isHttp(protocol: string): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** Stands in for the base of relative targets. */
const UNKNOWN_ORIGIN = 'http://unknown.invalid';
