import type { OriginHistory, Scope } from '../history/scope.ts';
import { logProbabilityOfZero } from '../statistics/negative-binomial.ts';
import type { Detection } from './detection.ts';
import { shiftOf } from './shift.ts';

const MINUTE = 60_000;
const LEAST_DISPERSION = 1.5;
const LEAST_DAYS = 5;
const LEAST_EXPECTED = 18;
const LATELY_MINUTES = 15;
/** Longer than a restart takes. */
const LEAST_MILLIS = 3 * MINUTE;
/** The baseline's lower bound. */
const LOWER = 0.8;
const LOG_CHANCE = Math.log(1e-7);

/** Origins that called on most days and do not call any more, while others do. */
export class VanishedOrigins {
  readonly #scope: Scope;
  /** Decisions expected since an origin was last seen, by origin. */
  readonly #missed = new Map<string, number>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** Once a minute. */
  *detect(minute: number): Iterable<Detection> {
    const scope = this.#scope;
    // Only minutes in which others called count: in a silence of the whole service nobody has left.
    if (scope.lastAt < minute) return;
    const { total } = scope;
    const lately = total.recent(LATELY_MINUTES) / LATELY_MINUTES;
    for (const origin of scope.origins.values()) {
      const { series, days, lastAt } = origin;
      if (series === undefined || days.length < LEAST_DAYS) continue;
      if (lastAt >= minute) {
        this.#missed.delete(origin.origin);
        continue;
      }
      series.advance(minute);
      const { mean, lastWeek, dispersion } = series.expectation;
      if (lastWeek === undefined) continue;
      // Where others call less than usual, it may as well.
      const others = Math.max(total.expectation.mean - mean, 1e-9);
      const usual = Math.min(1, lately / others) * Math.min(mean, lastWeek.mean);
      const missed = (this.#missed.get(origin.origin) ?? 0) + LOWER * usual;
      this.#missed.set(origin.origin, missed);
      if (missed < LEAST_EXPECTED || lastAt > minute - LEAST_MILLIS) continue;
      if (logProbabilityOfZero(missed, Math.max(LEAST_DISPERSION, dispersion)) > LOG_CHANCE) continue;
      const report = `vanished ${lastAt}`;
      if (origin.reported.has(report)) continue;
      origin.reported.add(report);
      yield detectionOf(scope, origin, missed);
    }
  }
}

function detectionOf(scope: Scope, { origin, lastAt }: OriginHistory, missed: number): Detection {
  const since = lastAt + MINUTE;
  return shiftOf(
    'vanished_origin',
    { kind: 'origin', value: origin },
    {
      observed: 0,
      expected: missed,
      unit: 'decisions',
      score: 0,
      since,
      sentence: `${origin} has not called since ${new Date(since).toISOString()}; ${Math.round(missed)} decisions were expected.`,
      origins: [origin],
      against: [...scope.broken].some((call) => call.origin === origin)
        ? [`Calls of ${origin} were blocked before it stopped calling.`]
        : [],
    },
  );
}
