import type { Credentials, Decision } from '../instrumentation/src/fetch-standard/decision.ts';
import type { Browser } from './browsers.ts';
import { decideRecorded } from './decide-recorded.ts';
import type { HopFacts } from './recordings/chain-facts.ts';
import type { RecordedRequest } from './recordings/recorded-request.ts';

/** Decides all exchanges of a request, given its credentials mode. */
export function decideAll(
  browser: Browser,
  { credentials: asked }: RecordedRequest,
  hops: readonly HopFacts[],
  credentials: Credentials,
): readonly Decision[] {
  return hops.map((hop) => decideRecorded({ ...hop, browser, isScript: asked !== undefined, credentials }));
}

/**
 * One mode applies to all exchanges of a request: the given one, one shown by an exchange, or the only one
 * that fits all of them and the outcome.
 */
export function credentialsMode(
  browser: Browser,
  recorded: RecordedRequest,
  hops: readonly HopFacts[],
): Credentials {
  if (recorded.credentials !== undefined) {
    return recorded.credentials === 'include' ? 'included' : 'omitted';
  }
  for (const { kind, credentials } of decideAll(browser, recorded, hops, 'unknown')) {
    // An ambiguous request may not be a CORS request, so its credentials show nothing.
    const isSurelyCors = kind === 'actual' || kind === 'preflight';
    if (isSurelyCors && credentials !== 'unknown') return credentials;
  }
  const fits = (credentials: 'included' | 'omitted') => {
    const verdicts = decideAll(browser, recorded, hops, credentials).map(({ verdict }) => verdict);
    if (verdicts.some((verdict, i) => verdict === 'blocked' && hops[i]?.isPassed)) return false;
    const last = verdicts.at(-1);
    if (recorded.outcome === 'delivered') return last !== 'blocked';
    if (recorded.outcome !== 'failed') return true;
    return wasLastSent(recorded)
      ? verdicts.some((verdict) => verdict !== 'allowed')
      : verdicts.slice(0, -1).includes('blocked');
  };
  const included = fits('included');
  const omitted = fits('omitted');
  return included === omitted ? 'unknown' : included ? 'included' : 'omitted';
}

/** A request with neither the headers on the wire nor a response was not sent if its preflight was recorded. */
function wasLastSent({ exchanges }: RecordedRequest): boolean {
  const last = exchanges.at(-1);
  const isUnsent = last?.request.provisional !== undefined && last.response.status === undefined;
  return exchanges.length < 2 || !isUnsent;
}
