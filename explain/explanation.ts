import {
  type Credentials,
  type Decision,
  NOTES,
  type Note,
  type Reason,
  type Verdict,
} from '../instrumentation/src/fetch-standard/decision.ts';
import { decideRecorded } from './decide-recorded.ts';
import { type PreflightCacheSeconds, preflightCacheOf } from './preflight-cache.ts';
import { chainFacts, type HopFacts } from './recordings/chain-facts.ts';
import type { RecordedExchange, RecordedRequest } from './recordings/recorded-request.ts';

export interface ExplainedDecision extends Decision {
  /** For a preflight that is not blocked. */
  readonly preflightCacheSeconds?: PreflightCacheSeconds;
}

/** What a browser does with a request and all exchanges it led to. */
export interface Explanation {
  readonly id: string | number | undefined;
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: Reason | '';
  /** The failing token; empty when there is none. */
  readonly detail: string;
  /** Index of the deciding exchange; null when all were allowed or there is none. */
  readonly decidedBy: number | null;
  /** One per exchange. */
  readonly decisions: readonly ExplainedDecision[];
  /** The notes of all exchanges, without duplicates. */
  readonly notes: readonly Note[];
}

/** Explains a recorded request. Pure; accepts any bytes and never throws. */
export function explainRequest(recorded: RecordedRequest): Explanation {
  const hops = chainFacts(recorded);
  const credentials = credentialsMode(recorded, hops);
  const decisions = decideAll(recorded, hops, credentials);
  const decidedBy = decisiveIndex(decisions, hops);
  const decisive = decidedBy === null ? undefined : decisions[decidedBy];
  const noted = new Set(decisions.flatMap(({ notes }) => notes));
  return {
    id: recorded.id,
    // Without exchanges there is nothing to explain.
    verdict: decisive?.verdict ?? (decisions.length === 0 ? 'unknown' : 'allowed'),
    reason: decisive?.reason ?? (decisions.length === 0 ? 'headers_not_captured' : ''),
    detail: decisive?.detail ?? '',
    decidedBy,
    decisions: decisions.map((decision, i) => withCache(decision, recorded.exchanges[i])),
    notes: NOTES.filter((note) => noted.has(note)),
  };
}

function withCache(decision: Decision, exchange: RecordedExchange | undefined): ExplainedDecision {
  const seconds = exchange && preflightCacheOf(decision, exchange);
  return seconds === undefined ? decision : { ...decision, preflightCacheSeconds: seconds };
}

/**
 * The first exchange that is blocked, else the first that is unknown. Exchanges after which the browser
 * continued are settled.
 */
function decisiveIndex(decisions: readonly Decision[], hops: readonly HopFacts[]): number | null {
  const blocked = decisions.findIndex(({ verdict }, i) => verdict === 'blocked' && !hops[i]?.isAskedAgain);
  if (blocked !== -1) return blocked;
  const unknown = decisions.findIndex(
    ({ verdict }, i) => verdict === 'unknown' && !hops[i]?.isAskedAgain && !hops[i]?.isPassed,
  );
  return unknown === -1 ? null : unknown;
}

/**
 * One mode applies to all exchanges of a request: the given one, one shown by an exchange, or the only one
 * that fits all.
 */
function credentialsMode(recorded: RecordedRequest, hops: readonly HopFacts[]): Credentials {
  if (recorded.credentials !== undefined) {
    return recorded.credentials === 'include' ? 'included' : 'omitted';
  }
  for (const { kind, credentials } of decideAll(recorded, hops, 'unknown')) {
    // An ambiguous request may not be a CORS request, so its credentials show nothing.
    const isSurelyCors = kind === 'actual' || kind === 'preflight';
    if (isSurelyCors && credentials !== 'unknown') return credentials;
  }
  const fits = (credentials: 'included' | 'omitted') =>
    decideAll(recorded, hops, credentials).every(
      ({ verdict }, i) => verdict !== 'blocked' || !hops[i]?.isPassed,
    );
  const included = fits('included');
  const omitted = fits('omitted');
  return included === omitted ? 'unknown' : included ? 'included' : 'omitted';
}

function decideAll(
  { credentials: asked }: RecordedRequest,
  hops: readonly HopFacts[],
  credentials: Credentials,
): readonly Decision[] {
  return hops.map((hop) => decideRecorded({ ...hop, isScript: asked !== undefined, credentials }));
}
