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
import { type PreflightQuestion, preflightCheck } from './preflight-check.ts';
import { leavesOrigin, redirectCheck, redirectTarget } from './redirect-check.ts';

/** A verdict with its reason; `detail` is the failing token as sent, not yet cleaned. */
export interface Outcome {
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: Reason | '';
  /** Of an unknown verdict: the reason that would block, where there is one. */
  readonly detail: string;
  /** Of a blocked verdict: the other reason that holds with credentials, where nobody knows the mode. */
  readonly withCredentials?: DetailedReason;
}

/** What the checks are about: an exchange and what was concluded from its request. */
export interface Case {
  readonly exchange: CorsExchange;
  readonly kind: Kind;
  /** The Origin header as sent; null when none was. */
  readonly origin: string | null;
  /** What a preflight asks for; undefined when it is none. */
  readonly question: PreflightQuestion | undefined;
}

const ALLOWED: Outcome = { verdict: 'allowed', reason: '', detail: '' };

/**
 * Runs the checks of the case's kind, once for each credentials mode that is possible. Where the two agree the
 * verdict is certain, and the reason is the one that holds without credentials.
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
 * No CORS check, but a redirect may still be refused: by the standard one that leads a same-origin request to
 * another origin with a password, by Chromium any but a navigation's ("credentialed subresources").
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
  // Neither Origin nor metadata: perhaps a navigation, perhaps a same-origin request.
  if (context.kind === undefined && origin === null && exchange.request['sec-fetch-mode'] === null) {
    return { verdict: 'unknown', reason: 'kind_ambiguous', detail: failure.reason };
  }
  return blocked(failure);
}

function judgeBranch(subject: Case, includeCredentials: boolean, context: Context): Outcome {
  const { exchange, origin, question } = subject;
  let failure: Failure | 'origin_unknown' | null;
  if (question !== undefined) {
    failure = preflightCheck(exchange, origin, question, includeCredentials, context.profile ?? 'browser');
  } else {
    failure = corsCheck(origin, exchange.response, includeCredentials);
    if (failure === null) {
      const target = redirectTarget(exchange);
      if (target !== null) failure = redirectCheck(target);
    }
  }
  if (failure === null) return isQuestionCaptured(subject, context) ? ALLOWED : NOT_CAPTURED;
  if (failure === 'origin_unknown') return NOT_CAPTURED;
  return failure.absent ? blockedByAbsence(failure, subject, context) : blocked(failure);
}

const NOT_CAPTURED: Outcome = { verdict: 'unknown', reason: 'headers_not_captured', detail: '' };

function blocked({ reason, detail }: Failure): Outcome {
  return { verdict: 'blocked', reason, detail };
}

/** The header that is missing here may be there for the browser: in its cache, or just not recorded. */
function blockedByAbsence(failure: Failure, { exchange, kind }: Case, context: Context): Outcome {
  if (context.responseHeadersCaptured === false) {
    // Whatever the headers were, this status fails.
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
 * Fetch §4.6 "HTTP-network-or-cache fetch": a 304 is merged with the stored response when the browser's cache
 * asked (RFC 9111 §4.3.1), which it does with GET and HEAD. A page that sets these headers itself gets the 304
 * as it is, because its cache mode becomes `no-store`.
 */
function isRevalidation({ method, request }: CorsExchange, context: Context): boolean {
  if (context.notModifiedIsFinal === true || (method !== 'GET' && method !== 'HEAD')) return false;
  return (
    context.requestHeadersCaptured === false ||
    request['if-none-match'] !== null ||
    request['if-modified-since'] !== null
  );
}

/** A preflight that seems to ask for no headers may have asked for some that nobody recorded. */
function isQuestionCaptured({ question }: Case, context: Context): boolean {
  return (
    question === undefined || question.headers.names.length > 0 || context.requestHeadersCaptured !== false
  );
}

/** What is allowed with credentials is allowed without, so that one of the two often says it all. */
function judgeBothBranches(subject: Case, context: Context): Outcome {
  const included = judgeBranch(subject, true, context);
  return included.verdict === 'allowed'
    ? included
    : eitherWay(judgeBranch(subject, false, context), included);
}

function eitherWay(omitted: Outcome, included: Outcome): Outcome {
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
