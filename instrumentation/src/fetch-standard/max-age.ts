/**
 * The longest time, in seconds, that each browser caches a preflight, whatever Access-Control-Max-Age says.
 */
export const MAX_AGE_CAPS = { chrome: 7200, firefox: 86_400, safari: 600 } as const;

/** Seconds when the header is absent or not a number: https://fetch.spec.whatwg.org/#cors-preflight-fetch */
export const DEFAULT_MAX_AGE = 5;

/** Larger values make no difference to any browser, and this one fits every storage type. */
const LARGEST = 2_147_483_647;

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Access-Control-Max-Age in seconds, a negative one as 0; undefined when absent or not a number. As Chrome and
 * Safari read it (measured): with a sign, and as a 64-bit integer, beyond which it is not a number to them.
 */
export function parseMaxAge(value: string | null): number | undefined {
  if (value === null || !/^[+-]?[0-9]{1,32}$/.test(value)) return undefined;
  const seconds = Number(value);
  if (Number.isSafeInteger(seconds)) return Math.min(Math.max(0, seconds), LARGEST);
  const exact = BigInt(value.replace('+', ''));
  if (exact > MAX_INT64 || exact < -MAX_INT64 - 1n) return undefined;
  return exact < 0n ? 0 : LARGEST;
}

/** How many seconds a browser caches a preflight: https://fetch.spec.whatwg.org/#cors-preflight-cache */
export function preflightCacheSeconds(
  maxAge: number | undefined,
  browser: keyof typeof MAX_AGE_CAPS,
): number {
  return Math.min(maxAge ?? DEFAULT_MAX_AGE, MAX_AGE_CAPS[browser]);
}
