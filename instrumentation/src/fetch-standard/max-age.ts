/** Longest time, in seconds, that each browser keeps a preflight's answer whatever Access-Control-Max-Age says. */
export const MAX_AGE_CAPS = { chromium: 7200, firefox: 86_400, safari: 600 } as const;

/** Fetch §4.8 step 7.7: seconds when the header is absent or not a number. */
export const DEFAULT_MAX_AGE = 5;

/** Larger values mean the same to every browser, and this one fits wherever it is stored. */
const LARGEST = 2_147_483_647;

/** Access-Control-Max-Age in seconds, a negative one as 0; undefined when absent or not a number. */
export function parseMaxAge(value: string | null): number | undefined {
  if (value === null || !/^-?[0-9]{1,20}$/.test(value)) return undefined;
  return Math.min(Math.max(0, Number(value)), LARGEST);
}

/** How many seconds a browser keeps the answer of a preflight (Fetch §4.9 "CORS-preflight cache"). */
export function preflightCacheSeconds(
  maxAge: number | undefined,
  browser: keyof typeof MAX_AGE_CAPS,
): number {
  return Math.min(maxAge ?? DEFAULT_MAX_AGE, MAX_AGE_CAPS[browser]);
}
