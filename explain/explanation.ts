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
  /** Of a preflight that is not refused. */
  readonly preflightCacheSeconds?: PreflightCacheSeconds;
}

/** What a browser does with a request and all that it led to. */
export interface Explanation {
  readonly id: string | number | undefined;
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: Reason | '';
  /** The failing token; empty when there is none. */
  readonly detail: string;
  /** Index of the exchange that decided; null when all were allowed, and when there is none. */
  readonly decidedBy: number | null;
  /** One for each exchange. */
  readonly decisions: readonly ExplainedDecision[];
  /** Of all exchanges, each once. */
  readonly notes: readonly Note[];
}

/** Pure; takes any bytes, never throws. */
export function explainRequest(recorded: RecordedRequest): Explanation {
  const hops = chainFacts(recorded);
  const credentials = credentialsMode(recorded, hops);
  const decisions = decideAll(recorded, hops, credentials);
  const decidedBy = decisiveIndex(decisions, hops);
  const decisive = decidedBy === null ? undefined : decisions[decidedBy];
  const noted = new Set(decisions.flatMap(({ notes }) => notes));
  return {
    id: recorded.id,
    // Of nothing nothing can be said.
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

/** The first that is refused, else the first that leaves it open. What the browser went on from is settled. */
function decisiveIndex(decisions: readonly Decision[], hops: readonly HopFacts[]): number | null {
  const blocked = decisions.findIndex(({ verdict }, i) => verdict === 'blocked' && !hops[i]?.isAskedAgain);
  if (blocked !== -1) return blocked;
  const unknown = decisions.findIndex(
    ({ verdict }, i) => verdict === 'unknown' && !hops[i]?.isAskedAgain && !hops[i]?.isPassed,
  );
  return unknown === -1 ? null : unknown;
}

/** One mode holds for all exchanges of a request: told, shown by one of them, or the only one that fits all. */
function credentialsMode(recorded: RecordedRequest, hops: readonly HopFacts[]): Credentials {
  if (recorded.credentials !== undefined) {
    return recorded.credentials === 'include' ? 'included' : 'omitted';
  }
  for (const { kind, credentials } of decideAll(recorded, hops, 'unknown')) {
    const isCors = kind === 'actual' || kind === 'preflight';
    if (isCors && credentials !== 'unknown') return credentials;
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
