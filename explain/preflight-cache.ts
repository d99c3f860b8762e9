import type { Decision } from '../instrumentation/src/fetch-standard/decision.ts';
import { type MAX_AGE_CAPS, preflightCacheSeconds } from '../instrumentation/src/fetch-standard/max-age.ts';
import { isSafelistedMethod } from '../instrumentation/src/fetch-standard/safelist.ts';
import { parseTokenList } from '../instrumentation/src/fetch-standard/token-list.ts';
import type { RecordedExchange } from './recordings/recorded-request.ts';

/** How many seconds each browser keeps a preflight's answer; meanwhile it asks no further one. */
export type PreflightCacheSeconds = Readonly<Record<keyof typeof MAX_AGE_CAPS, number>>;

/** Why Firefox keeps an answer not at all that others keep (measured: the standard has it as the others do). */
export type UncachedInFirefox = 'max_age_no_number' | 'wildcard';

/** Undefined of what is no preflight, is refused, or was recorded without its answer. */
export function preflightCacheOf(
  decision: Decision,
  exchange: RecordedExchange,
): PreflightCacheSeconds | undefined {
  const { kind, verdict, maxAge } = decision;
  if (kind !== 'preflight' || verdict === 'blocked' || exchange.response.headers === undefined)
    return undefined;
  const isUncached = whyUncachedInFirefox(decision, exchange) !== undefined;
  return {
    chromium: preflightCacheSeconds(maxAge, 'chromium'),
    firefox: isUncached ? 0 : preflightCacheSeconds(maxAge, 'firefox'),
    safari: preflightCacheSeconds(maxAge, 'safari'),
  };
}

export function whyUncachedInFirefox(
  { requestMethod, requestHeaders, maxAge }: Decision,
  { response }: RecordedExchange,
): UncachedInFirefox | undefined {
  const valuesOf = (wanted: string) =>
    (response.headers ?? [])
      .filter(([name]) => name.toLowerCase() === wanted)
      .map(([, value]) => value)
      .join(', ');
  if (maxAge === undefined && valuesOf('access-control-max-age').trim() !== '') return 'max_age_no_number';
  const methods = parseTokenList(valuesOf('access-control-allow-methods'))?.tokens ?? [];
  const names = parseTokenList(valuesOf('access-control-allow-headers'))?.lowerCase ?? new Set();
  const isNamed =
    (isSafelistedMethod(requestMethod) || methods.includes(requestMethod)) &&
    requestHeaders.every((name) => names.has(name));
  return isNamed ? undefined : 'wildcard';
}
