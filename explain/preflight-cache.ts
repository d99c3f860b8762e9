import type { Decision } from '../instrumentation/src/fetch-standard/decision.ts';
import { MAX_AGE_CAPS, preflightCacheSeconds } from '../instrumentation/src/fetch-standard/max-age.ts';
import { isSafelistedMethod } from '../instrumentation/src/fetch-standard/safelist.ts';
import { parseTokenList } from '../instrumentation/src/fetch-standard/token-list.ts';
import type { RecordedExchange } from './recordings/recorded-request.ts';

/** How many seconds each browser caches a preflight. */
export type PreflightCacheSeconds = Readonly<Record<keyof typeof MAX_AGE_CAPS, number>>;

/** Why Firefox does not cache a preflight that others do (measured; the standard agrees with the others). */
export type UncachedInFirefox = 'max_age_no_number' | 'wildcard';

/** Undefined if it is not a preflight, is blocked, or has no recorded response. */
export function preflightCacheOf(
  decision: Decision,
  exchange: RecordedExchange,
): PreflightCacheSeconds | undefined {
  const { kind, verdict, maxAge } = decision;
  if (kind !== 'preflight' || verdict === 'blocked' || exchange.response.headers === undefined)
    return undefined;
  const isUncached = whyUncachedInFirefox(decision, exchange) !== undefined;
  // Firefox reads any number of digits.
  const isHuge = /^\d+$/.test(maxAgeIn(exchange)) && maxAge === undefined;
  return {
    chrome: preflightCacheSeconds(maxAge, 'chrome'),
    firefox: isUncached ? 0 : isHuge ? MAX_AGE_CAPS.firefox : preflightCacheSeconds(maxAge, 'firefox'),
    safari: preflightCacheSeconds(maxAge, 'safari'),
  };
}

export function whyUncachedInFirefox(
  { requestMethod, requestHeaders }: Decision,
  exchange: RecordedExchange,
): UncachedInFirefox | undefined {
  const value = maxAgeIn(exchange);
  // Unlike others, it accepts digits only.
  if (value !== '' && !/^\d+$/.test(value)) return 'max_age_no_number';
  const methods = parseTokenList(valuesOf(exchange, 'access-control-allow-methods'))?.tokens ?? [];
  const names = parseTokenList(valuesOf(exchange, 'access-control-allow-headers'))?.lowerCase ?? new Set();
  const isNamed =
    (isSafelistedMethod(requestMethod) || methods.includes(requestMethod)) &&
    requestHeaders.every((name) => names.has(name));
  return isNamed ? undefined : 'wildcard';
}

function maxAgeIn(exchange: RecordedExchange): string {
  return valuesOf(exchange, 'access-control-max-age').trim();
}

function valuesOf({ response }: RecordedExchange, wanted: string): string {
  return (response.headers ?? [])
    .filter(([name]) => name.toLowerCase() === wanted)
    .map(([, value]) => value)
    .join(', ');
}
