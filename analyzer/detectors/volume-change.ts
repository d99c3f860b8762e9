import { counted } from '../../core/counted.ts';
import { createEDetector, type EDetector, FALLS } from '../statistics/e-detector.ts';
import { deviance, shortfall } from '../statistics/negative-binomial.ts';
import type { SeasonalSeries } from '../statistics/seasonal-series.ts';
import type { Detection, Subject } from './detection.ts';
import { shiftOf } from './shift.ts';

const MINUTE = 60_000;
const DAY_OF_BINS = 96;
const WEEK_OF_BINS = 7 * DAY_OF_BINS;
const DAY_MILLIS = 1440 * MINUTE;
const LEAST_DISPERSION = { sums: 2, evidence: 1.3 } as const;
const RISES: readonly number[] = [1.5, 2, 3, 5, 10];
/** A restart takes two minutes: what lasts no longer is not a change. */
const LEAST_TICKS = 3;
/** Bounds of the baseline, on which the bound on false alarms depends. */
const UPPER = 1.15;
const LOWER = 0.85;
/** The last hour's level counts up to here: else it would follow, and hide, what grows slowly. */
const MOST_LEVEL = 1.25;
/** Decisions a minute below which falls are only looked for by the hour. */
const LEAST_MEAN = 2;
/** Several times what one client network counts that tries again. */
const LEAST_DIFFERENCE = 40;
/** How long an alarm of an e-detector waits for the difference to be large enough to tell people. */
const ALARM_MILLIS = 15 * MINUTE;

/** What a series is of. */
export interface Watched {
  readonly subject: Subject;
  readonly series: SeasonalSeries;
  /** What one client network does is not a change of traffic. */
  readonly isOneClient?: boolean;
}

interface Course {
  readonly observed: number;
  readonly expected: number;
  readonly score: number;
}

/**
 * Follows how much a series counts: rises and falls within minutes, by sums and by evidence added up over time, and
 * hours that are far from the same hour of last week.
 */
export class VolumeChange {
  readonly #rise: EDetector;
  readonly #averageRunLength: number;
  /** Only of what falls are looked for: there are many series. */
  #fall: EDetector | undefined;
  /** When the e-detectors last raised an alarm. */
  #rising = 0;
  #falling = 0;
  #hits = 0;
  #state: 'usual' | 'high' | 'low' = 'usual';
  #since = 0;
  /** Quarter hours in a row with an hour far above, or below, the same hour of last week. */
  #above = 0;
  #below = 0;
  #bin = 0;

  /** @param averageRunLength of each of its two e-detectors */
  constructor(averageRunLength: number) {
    this.#rise = createEDetector(averageRunLength, { factors: RISES, leastTicks: LEAST_TICKS });
    this.#averageRunLength = averageRunLength;
  }

  /** @param isSilent nothing at all was counted in this minute: telemetry may be missing */
  detect(watched: Watched, minute: number, isSilent = false): Detection | undefined {
    const { series, subject } = watched;
    const origin = subject.kind === 'origin' ? subject.value : undefined;
    if (series.expectation.known < DAY_OF_BINS) return undefined;
    const rise = this.#followRise(watched, minute);
    const fall = origin === undefined ? this.#followFall(series, minute, isSilent) : undefined;
    const found = rise ?? fall;
    if (found === undefined) {
      return origin === undefined ? this.#sustained(watched, minute) : undefined;
    }
    // After a day it is the new normal, though the baseline has not followed yet.
    if (minute - this.#since > DAY_MILLIS) return undefined;
    series.flag();
    return shiftOf(rise === undefined ? 'volume_fall' : 'volume_rise', subject, {
      ...found,
      unit: 'decisions in 5 min',
      since: this.#since,
      sentence: `${counted(found.observed, 'decision')} in 5 min${origin === undefined ? '' : ` from ${origin}`}; ${found.expected.toFixed(0)} were expected.`,
      origins: origin === undefined ? [] : [origin],
    });
  }

  /** @returns the present course while it is too high */
  #followRise({ series, isOneClient = false }: Watched, minute: number): Course | undefined {
    const { mean, level, dispersion, lastWeek, known } = series.expectation;
    const spread = Math.max(LEAST_DISPERSION.sums, dispersion);
    const perMinute = Math.max(mean * Math.max(1, level), lastWeek?.most ?? 0);
    const needed = known < WEEK_OF_BINS ? 9 : 6;
    const short = courseOf(series, 2, perMinute, spread);
    const long = courseOf(series, 5, perMinute, spread);
    const usual = Math.max(mean * Math.min(MOST_LEVEL, Math.max(1, level)), lastWeek?.most ?? 0);
    const evidenceSpread = Math.max(LEAST_DISPERSION.evidence, dispersion);
    if (this.#rise.observe(series.recent(1), UPPER * Math.max(0.1, usual), evidenceSpread)) {
      this.#rising = minute;
    }
    const stands = [short, long].some(
      ({ observed, expected, score }) =>
        score >= needed && observed >= 2 * expected && observed - expected >= LEAST_DIFFERENCE,
    );
    this.#hits = ((this.#hits << 1) | (stands ? 1 : 0)) & 0b111;
    const adds =
      minute - this.#rising <= ALARM_MILLIS &&
      long.observed >= 8 * usual &&
      long.observed - 5 * usual >= LEAST_DIFFERENCE;
    if ((this.#hits === 0b111 || adds) && !isOneClient) this.#enter('high', minute);
    else if (this.#state === 'high' && long.observed < 1.3 * long.expected) this.#state = 'usual';
    return this.#state === 'high' ? long : undefined;
  }

  /** @returns the present course while it is too low */
  #followFall(series: SeasonalSeries, minute: number, isSilent: boolean): Course | undefined {
    const { mean, dispersion, lastWeek } = series.expectation;
    if (lastWeek === undefined) return undefined;
    const spread = Math.max(LEAST_DISPERSION.evidence, dispersion);
    // Not by the last hour's level: it follows a slow fall.
    const perMinute = Math.min(mean, lastWeek.least);
    const observed = series.recent(5);
    const expected = 5 * perMinute;
    if (this.#state !== 'low' && perMinute < LEAST_MEAN) return undefined;
    this.#fall ??= createEDetector(this.#averageRunLength, { factors: FALLS, leastTicks: LEAST_TICKS });
    if (this.#fall.observe(series.recent(1), LOWER * perMinute, spread)) this.#falling = minute;
    const isLow = observed <= 0.6 * expected && expected - observed >= LEAST_DIFFERENCE;
    if (isLow && !isSilent && minute - this.#falling <= ALARM_MILLIS) {
      this.#enter('low', minute);
    } else if (this.#state === 'low' && observed > 0.8 * expected) this.#state = 'usual';
    if (this.#state !== 'low') return undefined;
    return { observed, expected, score: shortfall(observed, Math.max(1, expected), spread) };
  }

  #enter(state: 'high' | 'low', minute: number): void {
    if (this.#state !== state) this.#since = minute - 2 * MINUTE;
    this.#state = state;
  }

  /** Evaluated once a quarter hour. */
  #sustained({ series, subject }: Watched, minute: number): Detection | undefined {
    if (series.bin === this.#bin) return undefined;
    this.#bin = series.bin;
    const spread = Math.max(LEAST_DISPERSION.sums, series.expectation.dispersion);
    const observed = series.hour(0);
    const lags = [-4, -2, 0, 2, 4].map((near) => series.hour(WEEK_OF_BINS + near));
    if (observed === undefined || lags.some((lag) => lag === undefined)) return undefined;
    const sums = lags as number[];
    const most = Math.max(...sums);
    const least = Math.min(...sums);
    const rise = deviance(observed, Math.max(1, most), spread);
    const fall = shortfall(observed, Math.max(1, least), spread);
    this.#above = observed >= 1.5 * most && rise >= 7 && observed - most >= 50 ? this.#above + 1 : 0;
    this.#below = observed <= 0.6 * least && fall >= 7 && least >= 60 ? this.#below + 1 : 0;
    const quarters = Math.max(this.#above, this.#below);
    // After a day it is the new normal.
    if (quarters < 5 || quarters > DAY_OF_BINS) return undefined;
    const isRise = this.#above >= 5;
    const expected = isRise ? most : least;
    const minutes = 15 * quarters;
    series.flag();
    return shiftOf(isRise ? 'volume_growth' : 'volume_fall', subject, {
      observed,
      expected,
      unit: 'decisions in an hour',
      score: isRise ? rise : fall,
      since: minute - minutes * MINUTE - 45 * MINUTE,
      sentence: `${counted(observed, 'decision')} in the last hour; ${expected.toFixed(0)} in the same hour of last week, and it has been so for ${minutes} min.`,
      origins: [],
    });
  }
}

function courseOf(series: SeasonalSeries, minutes: number, perMinute: number, spread: number): Course {
  const observed = series.recent(minutes);
  const expected = Math.max(1, minutes * perMinute);
  return { observed, expected, score: deviance(observed, expected, spread) };
}
