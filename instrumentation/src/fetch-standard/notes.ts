import {
  type AllowOrigin,
  type DetailedReason,
  isCorsKind,
  type Kind,
  type Note,
  type Verdict,
} from './decision.ts';
import { namesToken, type ResponseHeaders } from './header-list.ts';
import type { CorsExchange } from './observed-exchange.ts';
import { isAuthorizationCoveredByWildcard, type PreflightRequest } from './preflight-check.ts';

/** The findings of the decision so far. */
export interface NoteFacts {
  readonly kind: Kind;
  readonly verdict: Verdict;
  readonly withCredentials: DetailedReason | undefined;
  readonly origin: string | null;
  readonly allowOrigin: AllowOrigin;
  readonly allowCredentials: boolean;
  readonly varyOrigin: boolean;
  readonly maxAge: number | undefined;
  readonly preflight: PreflightRequest | undefined;
}

/**
 * Findings about a CORS exchange that do not change the verdict but matter to the owner of the API, in the
 * order of NOTES.
 */
export function notesOf(exchange: CorsExchange, facts: NoteFacts): readonly Note[] {
  if (!isCorsKind(facts.kind)) return NONE;
  const { response } = exchange;
  const notes: Note[] = [];
  if (isVaryMissing(exchange, facts)) notes.push('missing_vary_origin');
  if (facts.preflight !== undefined) {
    const allowHeaders = response['access-control-allow-headers'];
    if (isAuthorizationCoveredByWildcard(facts.preflight, allowHeaders)) {
      notes.push('authorization_covered_by_wildcard');
    }
  }
  if (facts.allowOrigin === 'wildcard' && facts.allowCredentials) notes.push('wildcard_with_credentials');
  if (facts.origin === 'null' && facts.allowOrigin === 'null') notes.push('reflects_null');
  if (facts.kind === 'preflight') {
    if (facts.verdict !== 'blocked' && !facts.maxAge) notes.push('preflight_uncached');
  } else if (response['access-control-expose-headers']) {
    notes.push('exposed_headers');
  }
  if (isServerErrorWithoutCors(exchange)) notes.push('server_error_without_cors');
  if (facts.withCredentials !== undefined) notes.push('reason_depends_on_credentials');
  return notes.length === 0 ? NONE : notes;
}

const NONE: readonly Note[] = Object.freeze([]);

/** Whether Vary (https://www.rfc-editor.org/rfc/rfc9110#name-vary) contains Origin or `*`. */
export function variesOnOrigin(response: ResponseHeaders): boolean {
  const vary = response.vary;
  return vary !== null && (namesToken(vary, 'origin') || namesToken(vary, '*'));
}

/**
 * Whether a cache could serve one origin's response to another:
 * https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches. Only cacheable responses are at risk.
 */
function isVaryMissing(exchange: CorsExchange, facts: NoteFacts): boolean {
  if (facts.varyOrigin || facts.kind === 'preflight') return false;
  if (facts.allowOrigin !== 'exact' && facts.allowOrigin !== 'null') return false;
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return false;
  const cacheControl = exchange.response['cache-control'];
  return cacheControl === null || !namesToken(cacheControl, 'no-store');
}

/** The failing upstream, proxy or rate limiter is the cause; missing CORS headers are only a symptom. */
function isServerErrorWithoutCors({ status, response }: CorsExchange): boolean {
  if (status !== 401 && status !== 429 && status < 500) return false;
  return RESPONSE_HEADERS.every((name) => response[name] === null);
}

const RESPONSE_HEADERS = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
] as const;
