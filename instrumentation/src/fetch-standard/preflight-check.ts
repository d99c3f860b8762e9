import { corsCheck } from './cors-check.ts';
import type { Failure } from './failure.ts';
import type { RequestHeaders } from './header-list.ts';
import type { CorsExchange } from './observed-exchange.ts';
import { redirectTarget, targetOrigin } from './redirect-check.ts';
import { type RequestedHeaders, requestedHeaders } from './requested-headers.ts';
import { isSafelistedMethod } from './safelist.ts';
import { parseTokenList, type TokenList } from './token-list.ts';

/** What a preflight requests: https://fetch.spec.whatwg.org/#cors-preflight-request */
export interface PreflightRequest {
  readonly method: string;
  readonly headers: RequestedHeaders;
}

export function preflightRequest(request: RequestHeaders): PreflightRequest {
  return {
    method: request['access-control-request-method'] ?? '',
    headers: requestedHeaders(request['access-control-request-headers']),
  };
}

/**
 * The response checks of the CORS-preflight fetch (https://fetch.spec.whatwg.org/#cors-preflight-fetch) in
 * Chromium's order: a redirect, the CORS check, the status, the syntax of both lists (even if they are not
 * needed), the method, the headers.
 */
export function preflightCheck(
  exchange: CorsExchange,
  origin: string | null,
  preflight: PreflightRequest,
  includeCredentials: boolean,
  profile: 'browser' | 'spec',
): Failure | 'origin_unknown' | null {
  const target = redirectTarget(exchange);
  if (target !== null) return { reason: 'preflight_redirect', detail: targetOrigin(target), absent: false };

  const { status, response } = exchange;
  const blocked = corsCheck(origin, response, includeCredentials);
  if (blocked !== null && blocked !== 'origin_unknown') return blocked;

  if (status < 200 || status > 299) {
    return { reason: 'preflight_status_not_ok', detail: String(status), absent: false };
  }

  const allowMethods = response['access-control-allow-methods'];
  const methods = parseTokenList(allowMethods);
  if (methods === null) return { reason: 'acam_malformed', detail: allowMethods ?? '', absent: false };
  const allowHeaders = response['access-control-allow-headers'];
  const headers = parseTokenList(allowHeaders);
  if (headers === null) return { reason: 'acah_malformed', detail: allowHeaders ?? '', absent: false };

  if (!isMethodAllowed(preflight.method, methods, includeCredentials)) {
    return { reason: 'method_not_allowed', detail: preflight.method, absent: allowMethods === null };
  }
  const header = firstHeaderNotAllowed(preflight.headers.names, headers, includeCredentials, profile);
  if (header === undefined) return blocked;
  return { reason: 'header_not_allowed', detail: header, absent: allowHeaders === null };
}

/**
 * Whether Access-Control-Allow-Headers covers `authorization` by its wildcard alone. The standard forbids
 * that (https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name); browsers still allow it with
 * a warning.
 */
export function isAuthorizationCoveredByWildcard(
  preflight: PreflightRequest,
  allowHeaders: string | null,
): boolean {
  if (allowHeaders === null || !preflight.headers.names.includes('authorization')) return false;
  const names = parseTokenList(allowHeaders)?.lowerCase;
  return names?.has('*') === true && !names.has('authorization');
}

/** Case-sensitive; `*` is a wildcard only without credentials. */
function isMethodAllowed(method: string, { tokens }: TokenList, includeCredentials: boolean): boolean {
  return (
    isSafelistedMethod(method) || tokens.includes(method) || (!includeCredentials && tokens.includes('*'))
  );
}

/** Case-insensitive. Browsers report the first name in alphabetical order. */
function firstHeaderNotAllowed(
  asked: readonly string[],
  { lowerCase: names }: TokenList,
  includeCredentials: boolean,
  profile: 'browser' | 'spec',
): string | undefined {
  if (asked.length === 0) return undefined;
  const hasWildcard = !includeCredentials && names.has('*');
  if (hasWildcard) {
    const needsItsName = profile === 'spec' && asked.includes('authorization') && !names.has('authorization');
    return needsItsName ? 'authorization' : undefined;
  }
  let first: string | undefined;
  for (const name of asked) {
    if (!names.has(name) && (first === undefined || name < first)) first = name;
  }
  return first;
}
