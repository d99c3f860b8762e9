import { counted } from '../../core/counted.ts';
import { OTHER } from '../../instrumentation/src/attributes.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { OriginHistory, Scope } from '../history/scope.ts';
import type { SeasonalSeries } from '../history/seasonal-series.ts';
import { estimateClients } from '../input/clients.ts';
import { NOISE_KINDS } from '../input/origin-kind.ts';
import type { Detection, DetectorName } from './detection.ts';
import { deviance, logProbabilityOfZero, shortfall } from './negative-binomial.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const DAY_OF_BINS = 96;
const WEEK_OF_BINS = 7 * DAY_OF_BINS;
const LEAST_DISPERSION = 2;

interface Watched {
  hits: number;
  isHigh: boolean;
  since: number;
  /** Quarter hours in a row with an hour far above, or below, the same hour of last week. */
  above: number;
  below: number;
  bin: number;
}

/** Shifts of traffic that break nothing: more or less of it, from everybody or one origin; origins that come and go. */
export class VolumeWatch {
  readonly #scope: Scope;
  readonly #total = newWatched();
  readonly #origins = new Map<string, Watched>();
  /** Decisions expected since an origin was last seen, by origin. */
  readonly #missed = new Map<string, number>();
  #bin = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  detect({ minute, rows }: ScopeMinute): Detection[] {
    const scope = this.#scope;
    const detections: Detection[] = [];
    if (scope.age(minute) < DAY) return detections;
    const everybody = { kind: 'service', value: scope.service } as const;
    push(detections, change(this.#total, scope.total, minute, everybody));
    const isNewBin = scope.total.bin !== this.#bin;
    this.#bin = scope.total.bin;
    const touched = new Set(rows.map(({ origin }) => origin));
    for (const name of touched) {
      const origin = scope.origins.get(name);
      if (origin === undefined || name === OTHER) continue;
      this.#missed.delete(name);
      push(detections, launch(scope, origin, minute));
      if (origin.series === undefined || !scope.isKnown(origin, minute)) continue;
      let watched = this.#origins.get(name);
      if (watched === undefined) {
        watched = newWatched();
        this.#origins.set(name, watched);
      }
      push(detections, change(watched, origin.series, minute, { kind: 'origin', value: name }, origin));
    }
    if (isNewBin) detections.push(...this.#vanished(minute));
    return detections;
  }

  *#vanished(minute: number): Iterable<Detection> {
    const scope = this.#scope;
    // While the whole service is silent nobody has left.
    if (scope.lastAt < minute - 2 * MINUTE) return;
    for (const origin of scope.origins.values()) {
      const { series, days, lastAt } = origin;
      if (series === undefined || days.length < 5 || lastAt > minute - 20 * MINUTE) continue;
      series.advance(minute);
      const { mean, lastWeek, dispersion } = series.expectation;
      if (lastWeek === undefined) continue;
      const missed = (this.#missed.get(origin.origin) ?? 0) + 0.7 * 15 * Math.min(mean, lastWeek.mean);
      this.#missed.set(origin.origin, missed);
      const chance = logProbabilityOfZero(missed, Math.max(LEAST_DISPERSION, dispersion));
      if (missed < 20 || chance > Math.log(1e-9) || origin.said.has(`vanished ${lastAt}`)) continue;
      origin.said.add(`vanished ${lastAt}`);
      yield shift(
        'vanished_origin',
        { kind: 'origin', value: origin.origin },
        {
          observed: 0,
          expected: missed,
          unit: 'decisions',
          score: 0,
          since: lastAt + MINUTE,
          sentence: `${origin.origin} has not called since ${new Date(lastAt + MINUTE).toISOString()}; ${Math.round(missed)} decisions were expected.`,
          origins: [origin.origin],
          against: [...scope.broken].some((call) => call.origin === origin.origin)
            ? [`Calls of ${origin.origin} were blocked before it stopped calling.`]
            : [],
        },
      );
    }
  }
}

function newWatched(): Watched {
  return { hits: 0, isHigh: false, since: 0, above: 0, below: 0, bin: 0 };
}

function push(detections: Detection[], detection: Detection | undefined): void {
  if (detection !== undefined) detections.push(detection);
}

/** A sudden rise, or an hour that is far from the same hour of last week for a while. */
function change(
  watched: Watched,
  series: SeasonalSeries,
  minute: number,
  subject: Detection['subject'],
  origin?: OriginHistory,
): Detection | undefined {
  const { mean, level, dispersion, lastWeek, known } = series.expectation;
  if (known < DAY_OF_BINS) return undefined;
  const spread = Math.max(LEAST_DISPERSION, dispersion);
  const perMinute = Math.max(mean * Math.max(1, level), lastWeek?.most ?? 0);
  const needed = known < WEEK_OF_BINS ? 9 : 7;
  const [short, long] = [2, 5].map((minutes) => {
    const observed = series.recent(minutes);
    const expected = Math.max(1, minutes * perMinute);
    const score = deviance(observed, expected, spread);
    return {
      observed,
      expected,
      score,
      stands: score >= needed && observed >= 2 * expected && observed - expected >= 30,
    };
  });
  if (short === undefined || long === undefined) return undefined;
  const { observed, expected, score } = long;
  const stands = short.stands || long.stands;
  watched.hits = ((watched.hits << 1) | (stands ? 1 : 0)) & 0b1111;
  const rises = (watched.hits & 0b111) === 0b111;
  const clients = origin === undefined ? 0 : estimateClients(origin.clientsHigh, origin.clientsLow);
  const isOneClient = origin !== undefined && clients > 0 && clients < 3;
  if (rises && !isOneClient) {
    if (!watched.isHigh) watched.since = minute - 2 * MINUTE;
    watched.isHigh = true;
  } else if (watched.isHigh && observed < 1.3 * expected) watched.isHigh = false;
  if (watched.isHigh) {
    series.flag();
    return shift('volume_rise', subject, {
      observed,
      expected,
      unit: 'decisions in 5 min',
      score,
      since: watched.since,
      sentence: `${counted(observed, 'decision')} in 5 min${origin === undefined ? '' : ` from ${origin.origin}`}; ${expected.toFixed(0)} were expected.`,
      origins: origin === undefined ? [] : [origin.origin],
    });
  }
  return origin === undefined ? sustained(watched, series, minute, subject, spread) : undefined;
}

/** Evaluated once a quarter hour. */
function sustained(
  watched: Watched,
  series: SeasonalSeries,
  minute: number,
  subject: Detection['subject'],
  dispersion: number,
): Detection | undefined {
  if (series.bin === watched.bin) return undefined;
  watched.bin = series.bin;
  const observed = series.hour(0);
  const lags = [-4, -2, 0, 2, 4].map((near) => series.hour(WEEK_OF_BINS + near));
  if (observed === undefined || lags.some((lag) => lag === undefined)) return undefined;
  const sums = lags as number[];
  const most = Math.max(...sums);
  const least = Math.min(...sums);
  const rise = deviance(observed, Math.max(1, most), dispersion);
  const fall = shortfall(observed, Math.max(1, least), dispersion);
  watched.above = observed >= 1.5 * most && rise >= 7 && observed - most >= 50 ? watched.above + 1 : 0;
  watched.below = observed <= 0.6 * least && fall >= 7 && least >= 60 ? watched.below + 1 : 0;
  const quarters = Math.max(watched.above, watched.below);
  // After a day it is the new normal.
  if (quarters < 5 || quarters > DAY_OF_BINS) return undefined;
  const isRise = watched.above >= 5;
  const expected = isRise ? most : least;
  series.flag();
  return shift(isRise ? 'volume_growth' : 'volume_fall', subject, {
    observed,
    expected,
    unit: 'decisions in an hour',
    score: isRise ? rise : fall,
    since: minute - 15 * MINUTE * (isRise ? watched.above : watched.below) - 45 * MINUTE,
    sentence: `${counted(observed, 'decision')} in the last hour; ${expected.toFixed(0)} in the same hour of last week, and it has been so for ${15 * (isRise ? watched.above : watched.below)} min.`,
    origins: [],
  });
}

/** An origin that is new, allowed by name, and called by many browsers. */
function launch(scope: Scope, origin: OriginHistory, minute: number): Detection | undefined {
  const { firstAllowedAt, exact, allowed, browser, blocked } = origin;
  if (NOISE_KINDS.has(origin.kind) && origin.kind !== 'app shell') return undefined;
  if (origin.said.has('launch') || firstAllowedAt > minute - 2 * MINUTE) return undefined;
  if (firstAllowedAt - scope.startedAt < DAY || minute - firstAllowedAt > DAY) {
    // Not new, or too slow to tell.
    if (allowed >= 20) origin.said.add('launch');
    return undefined;
  }
  const clients = estimateClients(origin.clientsHigh, origin.clientsLow);
  const isBusy = exact >= 20 && browser >= 0.8 * (allowed + blocked) && (clients === 0 || clients >= 4);
  if (!isBusy) return undefined;
  origin.said.add('launch');
  return shift(
    'new_allowed_origin',
    { kind: 'origin', value: origin.origin },
    {
      observed: exact,
      expected: 0,
      unit: 'decisions',
      score: 0,
      since: firstAllowedAt,
      sentence: `${origin.origin} is new and allowed by name: ${counted(exact, 'decision')}, ${browser} of them of browsers${clients === 0 ? '' : `, from ${Number.isFinite(clients) ? `about ${Math.round(clients)}` : 'more than 60'} client networks`}.`,
      origins: [origin.origin],
      against: blocked > exact / 10 ? [`${blocked} requests of it were blocked.`] : [],
    },
  );
}

function shift(
  detector: DetectorName,
  subject: Detection['subject'],
  found: Pick<
    Detection,
    'observed' | 'expected' | 'unit' | 'score' | 'since' | 'sentence' | 'origins' | 'against'
  >,
): Detection {
  return { family: 'shift', detector, subject, isConfirmed: true, rows: [], ...found };
}
