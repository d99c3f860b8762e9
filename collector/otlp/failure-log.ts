import type { FastifyBaseLogger } from 'fastify';
import { codeOf } from '../../core/errors.ts';

const INTERVAL_MILLIS = 60_000;

/**
 * Rate-limits the logging of failures to one line per minute and error code, with the number of suppressed
 * ones.
 *
 * @param now returns epoch milliseconds
 */
export function failureLog(
  now: () => number,
): (log: FastifyBaseLogger, error: unknown, message: string) => void {
  const kinds = new Map<string, { loggedAt: number; suppressed: number }>();
  return (log, error, message) => {
    const code = codeOf(error) ?? '';
    const kind = kinds.get(code) ?? { loggedAt: Number.NEGATIVE_INFINITY, suppressed: 0 };
    kinds.set(code, kind);
    if (now() - kind.loggedAt < INTERVAL_MILLIS) {
      kind.suppressed++;
      return;
    }
    log.error(
      { err: error, ...(kind.suppressed > 0 && { othersSinceTheLastLine: kind.suppressed }) },
      message,
    );
    kind.loggedAt = now();
    kind.suppressed = 0;
  };
}
