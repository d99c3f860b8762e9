import { OTHER } from '../attributes.ts';
import type { Failure } from './failure.ts';
import type { CorsExchange } from './observed-exchange.ts';

/** https://fetch.spec.whatwg.org/#redirect-status */
export function isRedirectStatus(status: number | undefined): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * The target of a redirect (https://fetch.spec.whatwg.org/#concept-response-location-url); null when the
 * response is not a redirect.
 */
export function redirectTarget(exchange: CorsExchange): string | null {
  if (!isRedirectStatus(exchange.status)) return null;
  // Browsers treat an empty Location as absent.
  return exchange.response.location || null;
}

/**
 * The URL checks of the HTTP-redirect fetch (https://fetch.spec.whatwg.org/#http-redirect-fetch): the
 * target must be an HTTP(S) URL without a user name or password.
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

/** Whether a redirect leaves a serialised origin; true when that is unknown. */
export function leavesOrigin(target: string, origin: string | null): boolean {
  return origin === null || !URL.canParse(target, origin) || new URL(target, origin).origin !== origin;
}

/**
 * The reported part of a redirect's target: its origin, or its scheme if that is not HTTP(S). User names,
 * passwords, paths and queries may be secrets, and their number is unbounded.
 */
export function targetOrigin(target: string): string {
  if (!URL.canParse(target, UNKNOWN_ORIGIN)) return '(invalid)';
  const { origin, protocol, host } = new URL(target, UNKNOWN_ORIGIN);
  if (origin === UNKNOWN_ORIGIN) return '(same origin)';
  if (isHttp(protocol)) return `${protocol}//${host}`;
  return KNOWN_SCHEMES.has(protocol) || /^[^:]*:\/\//.test(target) ? protocol : OTHER;
}

/** Schemes without slashes after the colon; any other may be a user name in front of a password. */
const KNOWN_SCHEMES: ReadonlySet<string> = new Set(
  'about: blob: data: file: ftp: intent: javascript: mailto: sms: tel: urn:'.split(' '),
);

function isHttp(protocol: string): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** The base URL for relative targets. */
const UNKNOWN_ORIGIN = 'http://unknown.invalid';
