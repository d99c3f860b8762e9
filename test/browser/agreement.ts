import { decide } from '../../instrumentation/src/fetch-standard/decide.ts';
import {
  type Decision,
  type Exchange,
  REASONS,
  type Reason,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Context } from '../../instrumentation/src/fetch-standard/observed-exchange.ts';
import type { BrowserCase, Outcome } from './browser-case.ts';

/** Chromium's name of each reason, without the prefix `Preflight` that some have for preflights. */
export const CORS_ERRORS: Partial<Record<Reason, string>> = {
  acao_missing: 'MissingAllowOriginHeader',
  acao_multiple: 'MultipleAllowOriginValues',
  acao_invalid: 'InvalidAllowOriginValue',
  acao_mismatch: 'AllowOriginMismatch',
  acao_wildcard_with_credentials: 'WildcardOriginNotAllowed',
  acac_not_true: 'InvalidAllowCredentials',
  preflight_redirect: 'PreflightDisallowedRedirect',
  preflight_status_not_ok: 'PreflightInvalidStatus',
  acam_malformed: 'InvalidAllowMethodsPreflightResponse',
  acah_malformed: 'InvalidAllowHeadersPreflightResponse',
  method_not_allowed: 'MethodDisallowedByPreflightResponse',
  header_not_allowed: 'HeaderDisallowedByPreflightResponse',
  redirect_url_has_credentials: 'RedirectContainsCredentials',
  redirect_url_not_http: 'CorsDisabledScheme',
};

/** The combined decisions of all exchanges of one request. */
export interface ChainVerdict {
  readonly verdict: Decision['verdict'];
  readonly reason: Decision['reason'];
  /** Chromium's possible names for it; none when allowed or unknown. */
  readonly corsErrors: readonly (string | undefined)[];
  /** The decision has two possible reasons. */
  readonly isEitherOfTwo: boolean;
}

export interface Agreement {
  /** With the credentials mode that the page used. */
  readonly told: ChainVerdict;
  /** With only what the server saw. */
  readonly seen: ChainVerdict;
  /** The disagreement with the browser; empty when they agree. */
  readonly disagreements: readonly ('verdict' | 'reason')[];
}

/** Chromium's reason in our vocabulary; empty when allowed, undefined when it gave no known reason. */
export function reasonOf({ allowed, corsError }: Outcome): Reason | '' | undefined {
  if (allowed) return '';
  return REASONS.find(
    (reason) =>
      CORS_ERRORS[reason] !== undefined &&
      corsError?.replace(/^Preflight/, '') === CORS_ERRORS[reason]?.replace(/^Preflight/, ''),
  );
}

/** Compares our decisions about a case with what the browser did. */
export function compare(browserCase: BrowserCase, outcome: Outcome): Agreement {
  const credentials = browserCase.credentials === 'include' ? 'included' : 'omitted';
  const told = judgeChain(outcome.exchanges, { credentials });
  const seen = judgeChain(outcome.exchanges, {});
  const actual = outcome.allowed ? 'allowed' : 'blocked';
  const disagreements: ('verdict' | 'reason')[] = [];
  // Requests that were never sent cannot be judged by a server.
  if (outcome.exchanges.length === 0) return { told, seen, disagreements };
  const isWrong = ({ verdict }: ChainVerdict) => verdict !== 'unknown' && verdict !== actual;
  if (isWrong(told) || isWrong(seen)) disagreements.push('verdict');
  else if (isOtherReason(told, outcome) || isOtherReason(seen, outcome)) disagreements.push('reason');
  return { told, seen, disagreements };
}

/** The browser's reason differs from ours, or from both of ours. */
export function isOtherReason({ verdict, corsErrors }: ChainVerdict, { corsError }: Outcome): boolean {
  return verdict === 'blocked' && !corsErrors.includes(corsError);
}

function judgeChain(exchanges: readonly Exchange[], context: Context): ChainVerdict {
  const decisions = exchanges.map((exchange) => decideAsSeen(exchange, context));
  const decisive =
    decisions.find(({ verdict }) => verdict === 'blocked') ??
    decisions.find(({ verdict }) => verdict === 'unknown');
  if (decisive === undefined) return { verdict: 'allowed', reason: '', corsErrors: [], isEitherOfTwo: false };
  const { kind, verdict, reason, withCredentials, notes } = decisive;
  const corsErrors = verdict === 'blocked' && reason !== '' ? corsErrorsOf(kind, reason) : [];
  return {
    verdict,
    reason,
    corsErrors:
      withCredentials === undefined
        ? corsErrors
        : [...corsErrors, ...corsErrorsOf(kind, withCredentials.reason)],
    isEitherOfTwo: notes.includes('reason_depends_on_credentials'),
  };
}

function corsErrorsOf(kind: Decision['kind'], reason: Reason): readonly (string | undefined)[] {
  const name = CORS_ERRORS[reason];
  // Without a CORS check, Chromium may block without giving a reason.
  if (kind !== 'preflight' && kind !== 'actual') return [name, undefined];
  const isPrefixed = kind === 'preflight' && (reason.startsWith('acao_') || reason === 'acac_not_true');
  return [isPrefixed ? `Preflight${name}` : name];
}

/** As a hook without proxies in front decides. */
export function decideAsSeen(exchange: Exchange, context: Context = {}): Decision {
  const host = exchange.request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1];
  return decide(exchange, {
    ...context,
    ownOrigin: host === undefined ? undefined : { scheme: 'http', host },
  });
}

/** A failing case to paste: into named-cases.ts, or its line into `originscope explain --json -`. */
export function describeDisagreement(
  browserCase: BrowserCase,
  outcome: Outcome,
  { told, seen }: Agreement,
): string {
  const { credentials } = browserCase;
  return [
    `${browserCase.name}: the browser ${outcome.allowed ? 'allowed' : `blocked (${outcome.corsError ?? outcome.error})`},`,
    `  we said ${told.verdict} ${told.reason}, and from the server's view alone ${seen.verdict} ${seen.reason}`,
    `  case: ${JSON.stringify(browserCase)}`,
    `  line: ${JSON.stringify({ id: browserCase.name, credentials, exchanges: outcome.exchanges })}`,
  ].join('\n');
}
