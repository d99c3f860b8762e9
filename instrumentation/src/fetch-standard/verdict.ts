import { corsCheck } from './cors-check.ts';
import {
  type Credentials,
  type DetailedReason,
  isCorsKind,
  type Kind,
  type Reason,
  type Verdict,
} from './decision.ts';
import type { Failure } from './failure.ts';
import type { Context, CorsExchange } from './observed-exchange.ts';
import { type PreflightRequest, preflightCheck } from './preflight-check.ts';
import { leavesOrigin, redirectCheck, redirectTarget } from './redirect-check.ts';

/** A verdict with its reason; `detail` is the failing token as sent, not masked yet. */
export interface Outcome {
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: Reason | '';
  /** For an unknown verdict: the reason that would block, if there is one. */
  readonly detail: string;
  /** For a blocked verdict with unknown credentials mode: the reason with credentials, if it differs. */
  readonly withCredentials?: DetailedReason;
}

/** The input of the checks: an exchange and what was inferred from its request. */
export interface Case {
  readonly exchange: CorsExchange;
  readonly kind: Kind;
  /** The Origin header as sent; null when absent. */
  readonly origin: string | null;
  /** What a preflight requests; undefined for other kinds. */
  readonly preflight: PreflightRequest | undefined;
}

const ALLOWED: Outcome = { verdict: 'allowed', reason: '', detail: '' };

/**
 * Runs the checks for the kind of request, once for each possible credentials mode. If both modes agree,
 * the verdict is certain and the reason is the one without credentials.
 */
export function judge(subject: Case, credentials: Credentials, context: Context): Outcome {
  if (!isCorsKind(subject.kind)) return judgeOutsideCors(subject, context);

  const outcome =
    credentials === 'unknown'
      ? judgeBothBranches(subject, context)
      : judgeBranch(subject, credentials === 'included', context);
  if (subject.kind === 'ambiguous' && outcome.verdict !== 'allowed') {
    return { verdict: 'unknown', reason: 'kind_ambiguous', detail: outcome.reason };
  }
  return outcome;
}

/**
 * There is no CORS check, but a redirect may still be blocked: the standard blocks a same-origin request
 * that is redirected to another origin with a password, Chromium blocks that for everything but navigations
 * ("credentialed subresources").
 */
function judgeOutsideCors({ exchange, kind, origin }: Case, context: Context): Outcome {
  const target = redirectTarget(exchange);
  if (target === null || kind === 'navigation' || kind === 'websocket') return ALLOWED;
  const failure = redirectCheck(target);
  if (failure === null) return ALLOWED;
  if (context.profile === 'spec' && failure.reason === 'redirect_url_has_credentials') {
    const isLedAway = leavesOrigin(target, origin ?? serialisedOwnOrigin(exchange, context));
    if (kind !== 'same_origin' || !isLedAway) return ALLOWED;
  }
  // Neither Origin nor metadata: either a navigation or a same-origin request.
  if (context.kind === undefined && origin === null && exchange.request['sec-fetch-mode'] === null) {
    return { verdict: 'unknown', reason: 'kind_ambiguous', detail: failure.reason };
  }
  return blocked(failure);
}

function judgeBranch(subject: Case, includeCredentials: boolean, context: Context): Outcome {
  const { exchange, origin, preflight } = subject;
  let failure: Failure | 'origin_unknown' | null;
  if (preflight !== undefined) {
    failure = preflightCheck(exchange, origin, preflight, includeCredentials, context.profile ?? 'browser');
  } else {
    failure = corsCheck(origin, exchange.response, includeCredentials);
    if (failure === null) {
      const target = redirectTarget(exchange);
      if (target !== null) failure = redirectCheck(target);
    }
  }
  if (failure === null) return isPreflightCaptured(subject, context) ? ALLOWED : NOT_CAPTURED;
  if (failure === 'origin_unknown') return NOT_CAPTURED;
  return failure.absent ? blockedByAbsence(failure, subject, context) : blocked(failure);
}

const NOT_CAPTURED: Outcome = { verdict: 'unknown', reason: 'headers_not_captured', detail: '' };

function blocked({ reason, detail }: Failure): Outcome {
  return { verdict: 'blocked', reason, detail };
}

/** The missing header may be known to the browser: from its cache, or because it was not recorded. */
function blockedByAbsence(failure: Failure, { exchange, kind }: Case, context: Context): Outcome {
  if (context.responseHeadersCaptured === false) {
    // This status fails with any headers.
    if (kind === 'preflight' && (exchange.status < 200 || exchange.status > 299)) {
      return { verdict: 'blocked', reason: 'preflight_status_not_ok', detail: String(exchange.status) };
    }
    return { verdict: 'unknown', reason: 'headers_not_captured', detail: failure.reason };
  }
  if (kind !== 'preflight' && exchange.status === 304 && isRevalidation(exchange, context)) {
    return { verdict: 'unknown', reason: 'not_modified', detail: failure.reason };
  }
  return blocked(failure);
}

/**
 * A 304 is merged with the stored response (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch)
 * when the browser's cache sent the conditional GET or HEAD. A page that sets the conditional headers
 * itself gets the 304 unchanged, because its cache mode becomes `no-store`.
 */
function isRevalidation({ method, request }: CorsExchange, context: Context): boolean {
  if (context.notModifiedIsFinal === true || (method !== 'GET' && method !== 'HEAD')) return false;
  return (
    context.requestHeadersCaptured === false ||
    request['if-none-match'] !== null ||
    request['if-modified-since'] !== null
  );
}

/** A preflight that requests no headers may have requested some that were not recorded. */
function isPreflightCaptured({ preflight }: Case, context: Context): boolean {
  return (
    preflight === undefined || preflight.headers.names.length > 0 || context.requestHeadersCaptured !== false
  );
}

/** Whatever is allowed with credentials is also allowed without, so one branch is often enough. */
function judgeBothBranches(subject: Case, context: Context): Outcome {
  const included = judgeBranch(subject, true, context);
  return included.verdict === 'allowed'
    ? included
    : combineBranches(judgeBranch(subject, false, context), included);
}

function combineBranches(omitted: Outcome, included: Outcome): Outcome {
  if (omitted.verdict === included.verdict) {
    const { reason, detail } = included;
    if (omitted.verdict !== 'blocked' || reason === '' || reason === omitted.reason) return omitted;
    return { ...omitted, withCredentials: { reason, detail } };
  }
  if (omitted.verdict === 'unknown') return omitted;
  if (included.verdict === 'unknown') return included;
  const detail = omitted.reason || included.reason;
  return { verdict: 'unknown', reason: 'credentials_mode_unknown', detail };
}

function serialisedOwnOrigin({ url }: CorsExchange, { ownOrigin }: Context): string | null {
  if (ownOrigin !== undefined) return `${ownOrigin.scheme ?? 'https'}://${ownOrigin.host}`;
  return !url.startsWith('/') && URL.canParse(url) ? new URL(url).origin : null;
}
