import { averageRunLength, type Configuration } from '../configuration.ts';
import { affectedClients, estimateClients } from '../input/clients.ts';
import type { UsageRow } from '../input/usage-row.ts';
import { createEDetector } from './e-detector.ts';
import { binomialTail, deviance } from './negative-binomial.ts';
import { SeasonalSeries } from './seasonal-series.ts';

const HOUR_OF_BINS = 4;
const DAY_OF_BINS = 96;
/** Sums that are tested, in minutes. */
const WINDOWS = [3, 4, 5, 8, 15] as const;
/** Of each sum the largest minutes are left out: a restart takes so long, and is not an incident. */
const RESTART_MINUTES = 2;
/** Counts of a minute above so many times the usual say no more to the detector that adds up. */
const MOST_TIMES_EXPECTED = 10;
/** Restarts would make a series look wilder than it is: they are left out in another way. */
const DISPERSION = { least: 1.5, leastWithoutClients: 3, most: 6 } as const;
/** Minutes in which something was counted, of the last ones: what is that improbable is not chance. */
const RUN = { minutes: 10, chance: 2e-6, chanceAfterRestart: 1e-3 } as const;
/** The baseline's upper bound, for the detector whose bound on false alarms hangs on it. */
const BASELINE_MARGIN = 1.3;
const LEAST_MEAN = 0.01;

/** The two halves of a bitmap of client networks. */
export interface ClientBits {
  readonly high: number;
  readonly low: number;
}

export const NO_CLIENTS: ClientBits = { high: 0, low: 0 };
const BLOCK_MILLIS = 15 * 60_000;

export interface Rate {
  /** Raised in this minute, or raised before and still far above. */
  readonly isHigh: boolean;
  /** Over the window in which it stands out most. */
  readonly minutes: number;
  readonly observed: number;
  readonly expected: number;
  readonly score: number;
}

/**
 * Watches a count that should stay low: sums of 3 to 15 minutes against their season, and evidence added up over
 * time for counts that are too low for that.
 */
export class RateWatch {
  readonly series: SeasonalSeries;
  readonly #detector: ReturnType<typeof createEDetector>;
  readonly #findsRuns: boolean;
  #isHigh = false;
  #block = 0;
  #now = NO_CLIENTS;
  #before = NO_CLIENTS;
  #knowsClients = false;
  #since = 0;

  /** @param findsRuns whether many minutes with a little in them are enough, be the sum as low as it may */
  constructor(start: number, configuration: Configuration, { findsRuns = false } = {}) {
    this.series = new SeasonalSeries(start);
    this.#detector = createEDetector(averageRunLength(configuration));
    this.#findsRuns = findsRuns;
  }

  /** Start of the minute in which the present rise began to show. */
  get since(): number {
    return this.#since;
  }

  /** Counts the client networks of rows (see `affectedClients`). @param traffic as of `observe` */
  observeRows(minute: number, rows: readonly UsageRow[], traffic = 1): Rate {
    let count = 0;
    let high = 0;
    let low = 0;
    for (const row of rows) {
      count += affectedClients(row);
      high |= row.clientsHigh;
      low |= row.clientsLow;
    }
    return this.observe(minute, count, { high, low }, traffic);
  }

  /** @param traffic the present traffic against the usual one: what is in proportion to it is not unusual */
  observe(minute: number, count: number, clients: ClientBits, traffic = 1): Rate {
    const { series } = this;
    series.count(minute, count);
    const { mean, level, known } = series.expectation;
    this.#collect(minute, clients);
    // Where clients are known each counts once a minute, and one that tries again makes no cluster.
    const least = this.#knowsClients ? DISPERSION.least : DISPERSION.leastWithoutClients;
    const dispersion = Math.min(DISPERSION.most, Math.max(least, series.expectation.dispersion));
    const perMinute = Math.max(LEAST_MEAN, mean * Math.max(1, level, traffic));
    let best: Omit<Rate, 'isHigh'> = { minutes: 5, observed: 0, expected: perMinute, score: 0 };
    let stands = false;
    for (const minutes of WINDOWS) {
      const observed = series.recent(minutes);
      const expected = Math.max(0.5, perMinute * minutes);
      if (observed <= expected) continue;
      const lasting = series.recentWithout(RESTART_MINUTES, minutes);
      const usual = Math.max(0.5, perMinute * (minutes - RESTART_MINUTES));
      const score = deviance(lasting, usual, dispersion);
      if (score > best.score) best = { minutes, observed, expected, score };
      stands ||= score >= threshold(known) && lasting - usual >= 8 && lasting >= 1.5 * usual;
    }
    const upper = BASELINE_MARGIN * perMinute + LEAST_MEAN;
    const isAlarm = this.#detector.observe(
      Math.min(count, 4 + MOST_TIMES_EXPECTED * upper),
      upper,
      dispersion,
    );
    const isShared = !this.#knowsClients || this.#clients() >= 2;
    const adds = isAlarm && activeMinutes(series, 15, perMinute) >= 3;
    const runs = this.#findsRuns && known >= DAY_OF_BINS && isRun(series, perMinute);
    const isNew = known >= HOUR_OF_BINS && isShared && (stands || adds || runs);
    const isHigh = isNew || (this.#isHigh && (best.score >= 3 || activeMinutes(series, 5, perMinute) >= 3));
    if (isHigh && !this.#isHigh) this.#since = minute - firstActive(series, perMinute) * 60_000;
    this.#isHigh = isHigh;
    if (isHigh) series.flag();
    return { isHigh, ...best };
  }

  #collect(minute: number, { high, low }: ClientBits): void {
    const block = Math.floor(minute / BLOCK_MILLIS);
    if (block !== this.#block) {
      this.#before = block === this.#block + 1 ? this.#now : NO_CLIENTS;
      this.#now = NO_CLIENTS;
      this.#block = block;
    }
    this.#now = { high: this.#now.high | high, low: this.#now.low | low };
    this.#knowsClients ||= high !== 0 || low !== 0;
  }

  /** Client networks of the last quarter hour or two. */
  #clients(): number {
    return estimateClients(this.#now.high | this.#before.high, this.#now.low | this.#before.low);
  }
}

function threshold(known: number): number {
  if (known < DAY_OF_BINS) return 8;
  return known < 7 * DAY_OF_BINS ? 6 : 5;
}

/** Minutes of the last ones in which more was counted than is usual. */
function activeMinutes(series: SeasonalSeries, minutes: number, usual: number): number {
  let active = 0;
  for (let back = 0; back < minutes; back++) if (series.minute(back) > 1.5 * usual) active++;
  return active;
}

/** Whether so many of the last minutes are active that chance, or a restart and chance, does not explain it. */
function isRun(series: SeasonalSeries, perMinute: number): boolean {
  const { minutes, chance, chanceAfterRestart } = RUN;
  const active = activeMinutes(series, minutes, perMinute);
  if (active <= RESTART_MINUTES) return false;
  const probability = 1 - Math.exp(-1.5 * perMinute);
  return (
    binomialTail(minutes, active, probability) <= chance &&
    binomialTail(minutes - RESTART_MINUTES, active - RESTART_MINUTES, probability) <= chanceAfterRestart
  );
}

/** How many minutes ago the present run of active minutes began, with gaps of up to five. */
function firstActive(series: SeasonalSeries, usual: number): number {
  let first = 0;
  for (let back = 0; back < 59 && back - first <= 5; back++) {
    if (series.minute(back) > 1.5 * usual) first = back;
  }
  return first;
}
