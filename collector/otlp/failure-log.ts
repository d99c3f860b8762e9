import type { FastifyBaseLogger } from 'fastify';
import { codeOf } from '../../core/errors.ts';

const EVERY_MILLIS = 60_000;

/**
 * Logs failures so that an outage is a line a minute and not one a request: of each kind the first, and then how
 * many there were.
 *
 * @param now epoch milliseconds
 */
export function failureLog(
  now: () => number,
): (log: FastifyBaseLogger, error: unknown, message: string) => void {
  const kinds = new Map<string, { toldAt: number; untold: number }>();
  return (log, error, message) => {
    const code = codeOf(error) ?? '';
    const kind = kinds.get(code) ?? { toldAt: Number.NEGATIVE_INFINITY, untold: 0 };
    kinds.set(code, kind);
    if (now() - kind.toldAt < EVERY_MILLIS) {
      kind.untold++;
      return;
    }
    log.error({ err: error, ...(kind.untold > 0 && { othersSinceTheLastLine: kind.untold }) }, message);
    kind.toldAt = now();
    kind.untold = 0;
  };
}
