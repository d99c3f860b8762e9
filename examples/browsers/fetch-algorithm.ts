import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

/**
 * The client side of the Fetch standard, step by step, with a known credentials mode. It shares no code
 * with the rules of the server side: the demo compares the two.
 */

/** Names in any case, in wire order, repeated headers separate. */
export type Headers = readonly (readonly [name: string, value: string])[];

export interface Block {
  readonly reason: Reason;
}

/** Repeated headers are joined: https://fetch.spec.whatwg.org/#concept-header-list-get */
export function get(headers: Headers, name: string): string | null {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());
  return values.length === 0 ? null : values.join(', ');
}

/** https://fetch.spec.whatwg.org/#cors-check */
export function corsCheck(origin: string, includesCredentials: boolean, response: Headers): Block | null {
  const allowed = get(response, 'access-control-allow-origin');
  // 1-2
  if (allowed === null) return { reason: 'acao_missing' };
  // 3
  if (!includesCredentials && allowed === '*') return null;
  // 4-5
  if (allowed !== origin) {
    if (allowed === '*') return { reason: 'acao_wildcard_with_credentials' };
    if (/[ ,]/.test(allowed)) return { reason: 'acao_multiple' };
    if (allowed !== 'null' && !URL.canParse(allowed)) return { reason: 'acao_invalid' };
    return { reason: 'acao_mismatch' };
  }
  // 6
  if (!includesCredentials) return null;
  // 7-9
  return get(response, 'access-control-allow-credentials') === 'true' ? null : { reason: 'acac_not_true' };
}

/** What a preflight requests. */
export interface Asked {
  readonly method: string;
  /** Lower-case and sorted: https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names */
  readonly headerNames: readonly string[];
}

export interface PreflightAnswer {
  readonly status: number;
  readonly headers: Headers;
}

/** The response checks of https://fetch.spec.whatwg.org/#cors-preflight-fetch */
export function preflightCheck(
  origin: string,
  includesCredentials: boolean,
  asked: Asked,
  answer: PreflightAnswer,
): Block | null {
  // The redirect mode of a preflight is "error".
  if (isRedirect(answer)) return { reason: 'preflight_redirect' };
  const blocked = corsCheck(origin, includesCredentials, answer.headers);
  if (blocked !== null) return blocked;
  if (answer.status < 200 || answer.status > 299) return { reason: 'preflight_status_not_ok' };
  // 7.1-7.3
  const methods = listOf(answer.headers, 'access-control-allow-methods');
  if (methods === 'failure') return { reason: 'acam_malformed' };
  const headerNames = listOf(answer.headers, 'access-control-allow-headers');
  if (headerNames === 'failure') return { reason: 'acah_malformed' };
  // 7.5
  const isSafelisted = ['GET', 'HEAD', 'POST'].includes(asked.method);
  const hasAnyMethod = !includesCredentials && methods.includes('*');
  if (!methods.includes(asked.method) && !isSafelisted && !hasAnyMethod) {
    return { reason: 'method_not_allowed' };
  }
  // 7.6-7.7; browsers let the wildcard cover Authorization, which the standard does not.
  const named = headerNames.map((name) => name.toLowerCase());
  const hasAnyHeader = !includesCredentials && named.includes('*');
  for (const name of asked.headerNames) {
    if (!named.includes(name) && !hasAnyHeader) return { reason: 'header_not_allowed' };
  }
  return null;
}

/** https://fetch.spec.whatwg.org/#extract-header-list-values for methods and header names. */
export function listOf(headers: Headers, name: string): string[] | 'failure' {
  const value = get(headers, name);
  if (value === null) return [];
  const members = value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  return members.every((member) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(member)) ? members : 'failure';
}

/** https://fetch.spec.whatwg.org/#concept-response-location-url for a redirect status. */
export function isRedirect({ status, headers }: PreflightAnswer): boolean {
  return [301, 302, 303, 307, 308].includes(status) && Boolean(get(headers, 'location'));
}

/**
 * The method and headers for which a CORS request needs a preflight:
 * https://fetch.spec.whatwg.org/#main-fetch
 */
export function askedOf(method: string, headers: Readonly<Record<string, string>>): Asked | null {
  const headerNames = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => !isSafelistedHeader(name, value))
    .map(([name]) => name)
    .sort();
  const isSafelisted = ['GET', 'HEAD', 'POST'].includes(method);
  return isSafelisted && headerNames.length === 0 ? null : { method, headerNames };
}

/** https://fetch.spec.whatwg.org/#cors-safelisted-request-header, as far as the demo needs it. */
function isSafelistedHeader(name: string, value: string): boolean {
  if (value.length > 128) return false;
  if (['accept', 'accept-language', 'content-language'].includes(name)) return true;
  if (name !== 'content-type') return false;
  const essence = value.split(';')[0]?.trim().toLowerCase() ?? '';
  return ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'].includes(essence);
}
