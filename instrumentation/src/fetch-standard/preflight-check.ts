import { type AskedHeaders, askedHeaders } from './asked-headers.ts';
import { corsCheck } from './cors-check.ts';
import type { Failure } from './failure.ts';
import type { RequestHeaders } from './header-list.ts';
import type { CorsExchange } from './observed-exchange.ts';
import { redirectTarget, targetOrigin } from './redirect-check.ts';
import { isSafelistedMethod } from './safelist.ts';
import { parseTokenList, type TokenList } from './token-list.ts';

/** What a preflight asks leave for (Fetch §3.3.2). */
export interface PreflightQuestion {
  readonly method: string;
  readonly headers: AskedHeaders;
}

export function preflightQuestion(request: RequestHeaders): PreflightQuestion {
  return {
    method: request['access-control-request-method'] ?? '',
    headers: askedHeaders(request['access-control-request-headers']),
  };
}

/**
 * Fetch §4.8 "CORS-preflight fetch" step 7, in Chromium's order: a redirect, the CORS check, the status, the
 * syntax of both lists (even where they are not needed), the method, the headers.
 */
export function preflightCheck(
  exchange: CorsExchange,
  origin: string | null,
  question: PreflightQuestion,
  includeCredentials: boolean,
  profile: 'browser' | 'spec',
): Failure | 'origin_unknown' | null {
  const target = redirectTarget(exchange);
  if (target !== null) return { reason: 'preflight_redirect', detail: targetOrigin(target), absent: false };

  const { status, response } = exchange;
  const refused = corsCheck(origin, response, includeCredentials);
  if (refused !== null && refused !== 'origin_unknown') return refused;

  if (status < 200 || status > 299) {
    return { reason: 'preflight_status_not_ok', detail: String(status), absent: false };
  }

  const allowMethods = response['access-control-allow-methods'];
  const methods = parseTokenList(allowMethods);
  if (methods === null) return { reason: 'acam_malformed', detail: allowMethods ?? '', absent: false };
  const allowHeaders = response['access-control-allow-headers'];
  const headers = parseTokenList(allowHeaders);
  if (headers === null) return { reason: 'acah_malformed', detail: allowHeaders ?? '', absent: false };

  if (!isMethodAllowed(question.method, methods, includeCredentials)) {
    return { reason: 'method_not_allowed', detail: question.method, absent: allowMethods === null };
  }
  const header = firstHeaderNotAllowed(question.headers.names, headers, includeCredentials, profile);
  if (header === undefined) return refused;
  return { reason: 'header_not_allowed', detail: header, absent: allowHeaders === null };
}

/**
 * Whether Access-Control-Allow-Headers covers `authorization` by its wildcard alone. The standard refuses that
 * ("CORS non-wildcard request-header name"); browsers still allow it and warn.
 */
export function isAuthorizationCoveredByWildcard(
  question: PreflightQuestion,
  allowHeaders: string | null,
): boolean {
  if (allowHeaders === null || !question.headers.names.includes('authorization')) return false;
  const names = parseTokenList(allowHeaders)?.lowerCase;
  return names?.has('*') === true && !names.has('authorization');
}

/** Step 7.5: case-sensitive; `*` is a wildcard without credentials only. */
function isMethodAllowed(method: string, { tokens }: TokenList, includeCredentials: boolean): boolean {
  return (
    isSafelistedMethod(method) || tokens.includes(method) || (!includeCredentials && tokens.includes('*'))
  );
}

/** Steps 7.6 and 7.7: without case; the first in alphabetical order is the one browsers name. */
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
