/** The HTTP status of an exception, by its code, as ClickHouse's `exceptionCodeToHTTPStatus` has it. */
export function statusOf(code: number): number {
  if (code === 194) return 401;
  if ([192, 193, 497, 512, 516].includes(code)) return 403;
  if (BAD_REQUESTS.has(code)) return 400;
  if (NOT_FOUND.has(code)) return 404;
  if (code === 159) return 408;
  if (code === 381) return 411;
  if (code === 229) return 413;
  if (code === 48) return 501;
  if ([76, 209, 439].includes(code)) return 503;
  return 500;
}

const BAD_REQUESTS: ReadonlySet<number> = new Set([
  6, 8, 15, 25, 26, 27, 36, 38, 41, 44, 53, 62, 72, 117, 167, 168, 223, 321, 376, 427, 441, 675, 676,
]);

const NOT_FOUND: ReadonlySet<number> = new Set([46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336, 511]);
