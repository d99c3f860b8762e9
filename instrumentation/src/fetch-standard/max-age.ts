/**
 * The longest time, in seconds, that each browser caches a preflight, whatever Access-Control-Max-Age says.
 */
export const MAX_AGE_CAPS = { chromium: 7200, firefox: 86_400, safari: 600 } as const;

/** Seconds when the header is absent or not a number: https://fetch.spec.whatwg.org/#cors-preflight-fetch */
export const DEFAULT_MAX_AGE = 5;

/** Larger values make no difference to any browser, and this one fits every storage type. */
const LARGEST = 2_147_483_647;

/** Access-Control-Max-Age in seconds, a negative one as 0; undefined when absent or not a number. */
export function parseMaxAge(value: string | null): number | undefined {
  if (value === null || !/^-?[0-9]{1,20}$/.test(value)) return undefined;
  return Math.min(Math.max(0, Number(value)), LARGEST);
}

/** How many seconds a browser caches a preflight: https://fetch.spec.whatwg.org/#cors-preflight-cache */
export function preflightCacheSeconds(
  maxAge: number | undefined,
  browser: keyof typeof MAX_AGE_CAPS,
): number {
  return Math.min(maxAge ?? DEFAULT_MAX_AGE, MAX_AGE_CAPS[browser]);
}
