import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

/**
 * The client's side of the Fetch standard, step by step, with the credentials mode known. It shares no code
 * with the rules that judge from the server's side: the demo holds the two against each other.
 */

/** Names in any case, in wire order, repeated headers separate. */
export type Headers = readonly (readonly [name: string, value: string])[];

export interface Refusal {
  readonly reason: Reason;
}

/** Fetch §2.2.2 "get": repeated headers are joined. */
export function get(headers: Headers, name: string): string | null {
  const values = headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());
  return values.length === 0 ? null : values.join(', ');
}

/** Fetch §4.10 "CORS check". */
export function corsCheck(origin: string, includesCredentials: boolean, response: Headers): Refusal | null {
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

/** What a preflight asks for. */
export interface Asked {
  readonly method: string;
  /** Lower-case and sorted: Fetch §2.2.2 "CORS-unsafe request-header names". */
  readonly headerNames: readonly string[];
}

export interface PreflightAnswer {
  readonly status: number;
  readonly headers: Headers;
}

/** Fetch §4.8 "CORS-preflight fetch", step 7. */
export function preflightCheck(
  origin: string,
  includesCredentials: boolean,
  asked: Asked,
  answer: PreflightAnswer,
): Refusal | null {
  // The redirect mode of a preflight is "error".
  if (isRedirect(answer)) return { reason: 'preflight_redirect' };
  const refused = corsCheck(origin, includesCredentials, answer.headers);
  if (refused !== null) return refused;
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

/** Fetch §2.2.2 "extract header list values", of methods and header names. */
export function listOf(headers: Headers, name: string): string[] | 'failure' {
  const value = get(headers, name);
  if (value === null) return [];
  const members = value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  return members.every((member) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(member)) ? members : 'failure';
}

/** Fetch §2.2.6 "location URL" of a redirect status. */
export function isRedirect({ status, headers }: PreflightAnswer): boolean {
  return [301, 302, 303, 307, 308].includes(status) && Boolean(get(headers, 'location'));
}

/** Fetch §4.4 "main fetch": a CORS request needs a preflight for its method or for some of its headers. */
export function askedOf(method: string, headers: Readonly<Record<string, string>>): Asked | null {
  const headerNames = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => !isSafelistedHeader(name, value))
    .map(([name]) => name)
    .sort();
  const isSafelisted = ['GET', 'HEAD', 'POST'].includes(method);
  return isSafelisted && headerNames.length === 0 ? null : { method, headerNames };
}

/** Fetch §2.2.2 "CORS-safelisted request-header", as far as the calls of the demo go. */
function isSafelistedHeader(name: string, value: string): boolean {
  if (value.length > 128) return false;
  if (['accept', 'accept-language', 'content-language'].includes(name)) return true;
  if (name !== 'content-type') return false;
  const essence = value.split(';')[0]?.trim().toLowerCase() ?? '';
  return ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'].includes(essence);
}
