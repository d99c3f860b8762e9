import {
  type Decision,
  NOTES,
  type Note,
  type Reason,
  type Verdict,
} from '../instrumentation/src/fetch-standard/decision.ts';
import { type Behaviour, type Deviation, deviationOf, hasEmptyLocation } from './browser-behaviour.ts';
import { BROWSERS, type Browser } from './browsers.ts';
import { credentialsMode, decideAll } from './credentials-mode.ts';
import { decideRecorded } from './decide-recorded.ts';
import { type PreflightCacheSeconds, preflightCacheOf } from './preflight-cache.ts';
import { OTHER_FAILURES, type OtherFailure, otherFailureOf } from './reasons/other-failures.ts';
import { chainFacts, type HopFacts } from './recordings/chain-facts.ts';
import { headerOf, type RecordedExchange, type RecordedRequest } from './recordings/recorded-request.ts';

export interface ExplainedDecision extends Decision {
  /** For a preflight that is not blocked. */
  readonly preflightCacheSeconds?: PreflightCacheSeconds;
}

export type ExplainedReason = Reason | OtherFailure;

/** The verdict about a request, or about one of its exchanges. */
export interface Outcome {
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: ExplainedReason | '';
  /** The failing token; empty when there is none. */
  readonly detail: string;
}

/** What a browser does with a request and all exchanges it led to. */
export interface Explanation extends Outcome {
  readonly id: string | number | undefined;
  readonly browser: Browser;
  /** Index of the deciding exchange; null when all were allowed or there is none. */
  readonly decidedBy: number | null;
  /** One per exchange. */
  readonly decisions: readonly ExplainedDecision[];
  /** The notes of all exchanges, without duplicates. */
  readonly notes: readonly Note[];
  /** Behaviour of this browser that decides, or may decide, and in which browsers differ. */
  readonly behaviours: readonly Behaviour[];
}

/** A browser that does something else. */
export interface DifferentOutcome extends Outcome {
  readonly browser: Browser;
}

/** The explanation of the browser that fails, if any, and those of the browsers that differ from it. */
export interface ComparedExplanation extends Explanation {
  readonly differences: readonly DifferentOutcome[];
}

/** Explains a recorded request for several browsers. Pure; accepts any bytes and never throws. */
export function explainRequest(
  recorded: RecordedRequest,
  browsers: readonly Browser[] = BROWSERS,
): ComparedExplanation {
  const hops = chainFacts(recorded);
  return compareExplanations(browsers.map((browser) => explainChain(browser, recorded, hops)));
}

/** What fails in one browser is what its owner must know: blocked before unknown before allowed. */
export function compareExplanations(all: readonly Explanation[]): ComparedExplanation {
  const main =
    all.find(({ verdict }) => verdict === 'blocked') ??
    all.find(({ verdict }) => verdict === 'unknown') ??
    all[0];
  if (main === undefined) throw new Error('expected an explanation of at least one browser');
  const others = all.filter((one) => one.verdict !== main.verdict || one.reason !== main.reason);
  const behaviours = others.length === 0 ? [] : all.flatMap((one) => one.behaviours);
  return {
    ...main,
    behaviours: [...new Set(behaviours)],
    differences: others.map(({ browser, verdict, reason, detail }) => ({ browser, verdict, reason, detail })),
  };
}

/** Explains a recorded request for one browser. Pure; accepts any bytes and never throws. */
export function explainIn(browser: Browser, recorded: RecordedRequest): Explanation {
  return explainChain(browser, recorded, chainFacts(recorded));
}

function explainChain(browser: Browser, recorded: RecordedRequest, hops: readonly HopFacts[]): Explanation {
  const credentials = credentialsMode(browser, recorded, hops);
  const decisions = decideAll(browser, recorded, hops, credentials);
  const steps = decisions.map((decision, i) => stepOf(browser, recorded, hops, decision, i));
  const decidedBy = decisiveIndex(steps, hops);
  const decisive = decidedBy === null ? undefined : steps[decidedBy];
  const noted = new Set(decisions.flatMap(({ notes }) => notes));
  return {
    id: recorded.id,
    browser,
    // Without exchanges there is nothing to explain.
    verdict: decisive?.verdict ?? (decisions.length === 0 ? 'unknown' : 'allowed'),
    reason: decisive?.reason ?? (decisions.length === 0 ? 'headers_not_captured' : ''),
    detail: decisive?.detail ?? '',
    decidedBy,
    decisions: decisions.map((decision, i) => withCache(decision, recorded.exchanges[i])),
    notes: NOTES.filter((note) => noted.has(note)),
    behaviours: [...new Set(steps.flatMap(({ behaviour }) => behaviour ?? []))],
  };
}

function withCache(decision: Decision, exchange: RecordedExchange | undefined): ExplainedDecision {
  const seconds = exchange && preflightCacheOf(decision, exchange);
  return seconds === undefined ? decision : { ...decision, preflightCacheSeconds: seconds };
}

interface Step extends Outcome {
  readonly behaviour?: Behaviour;
  /** The browser gives up here, even if the same request was sent again. */
  readonly isFinal?: boolean;
}

const ALLOWED: Outcome = { verdict: 'allowed', reason: '', detail: '' };
const NOT_RECORDED: Outcome = { verdict: 'unknown', reason: 'headers_not_captured', detail: '' };

/** What becomes of one exchange in this browser. */
function stepOf(
  browser: Browser,
  recorded: RecordedRequest,
  hops: readonly HopFacts[],
  decision: Decision,
  index: number,
): Step {
  const { exchanges, origin } = recorded;
  const hop = hops[index];
  if (hop === undefined) return decision;
  const { exchange } = hop;
  const deviation =
    recorded.browser === browser
      ? undefined
      : deviationOf(browser, exchanges, index, hops[0]?.origin ?? origin, hop.origin);
  if (deviation !== undefined) return deviated(deviation, decision, browser, recorded, hop);
  if (hasEmptyLocation(exchange) && decision.kind !== 'preflight' && decision.verdict === 'allowed') {
    const end = { behaviour: 'empty_location', isFinal: true } as const;
    return browser === 'chrome'
      ? { ...ALLOWED, ...end }
      : { verdict: 'blocked', reason: 'empty_location', detail: '', ...end };
  }
  const isAboutUserInfo =
    decision.kind !== 'actual' && hasUserInfo(exchange) && decision.verdict !== 'unknown';
  const step: Step = isAboutUserInfo ? { ...decision, behaviour: 'redirect_with_user_info' } : decision;
  return settled(step, recorded, exchange, index);
}

function deviated(
  deviation: Deviation,
  decision: Decision,
  browser: Browser,
  { credentials }: RecordedRequest,
  hop: HopFacts,
): Step {
  const { behaviour } = deviation;
  if (deviation.kind === 'not_sent') return { ...ALLOWED, behaviour };
  if (deviation.kind === 'preflight_first' || deviation.kind === 'perhaps_not_sent')
    return { ...NOT_RECORDED, behaviour };
  // The server may answer another Origin in another way.
  const { request, response } = hop.exchange;
  const headers = (request.headers ?? []).map(([name, value]) =>
    name.toLowerCase() === 'origin' ? ([name, deviation.origin] as const) : ([name, value] as const),
  );
  const asked = { ...hop, exchange: { request: { ...request, headers }, response } };
  const other = decideRecorded({
    ...asked,
    browser,
    isScript: credentials !== undefined,
    credentials: decision.credentials,
  });
  const isSure =
    other.verdict !== 'blocked' ? other.allowOrigin === 'wildcard' : !other.reason.startsWith('aca');
  return isSure ? other : { ...NOT_RECORDED, behaviour };
}

/** Uses what the recording shows of the outcome where the exchange alone leaves it open. */
function settled(step: Step, recorded: RecordedRequest, exchange: RecordedExchange, index: number): Step {
  if (step.verdict !== 'unknown' || index !== recorded.exchanges.length - 1) return step;
  if (recorded.outcome === 'delivered') return ALLOWED;
  const failure = exchange.response.error === undefined ? undefined : otherFailureOf(exchange.response.error);
  if (failure !== undefined && step.reason === 'headers_not_captured') {
    return {
      verdict: OTHER_FAILURES[failure].verdict,
      reason: failure,
      detail: exchange.response.error ?? '',
    };
  }
  const isOpen = step.reason === 'not_modified' || step.reason === 'kind_ambiguous';
  if (recorded.outcome !== 'failed' || !isOpen || step.detail === '' || failure !== undefined) return step;
  // The detail is the reason that blocks it.
  return { verdict: 'blocked', reason: step.detail as Reason, detail: '' };
}

function hasUserInfo({ response, request }: RecordedExchange): boolean {
  const location = headerOf(response.headers, 'location');
  if (location === undefined || !URL.canParse(location, request.url)) return false;
  const { username, password } = new URL(location, request.url);
  return username !== '' || password !== '';
}

/**
 * The first exchange that is blocked, else the first that is unknown. Exchanges after which the browser
 * continued are settled.
 */
function decisiveIndex(steps: readonly Step[], hops: readonly HopFacts[]): number | null {
  // What comes after it was recorded in another browser.
  const end = steps.findIndex(({ isFinal }) => isFinal) + 1 || steps.length;
  const blocked = steps.findIndex(
    ({ verdict, isFinal }, i) => i < end && verdict === 'blocked' && (isFinal || !hops[i]?.isAskedAgain),
  );
  const unknown = steps.findIndex(
    ({ verdict, behaviour }, i) =>
      i < end &&
      verdict === 'unknown' &&
      (behaviour !== undefined || (!hops[i]?.isAskedAgain && !hops[i]?.isPassed)),
  );
  // What comes after a request that was not recorded is not known to be sent.
  if (unknown !== -1 && steps[unknown]?.behaviour !== undefined && unknown < blocked) return unknown;
  if (blocked !== -1) return blocked;
  return unknown === -1 ? null : unknown;
}
