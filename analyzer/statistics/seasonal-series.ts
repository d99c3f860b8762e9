const MINUTE = 60_000;
export const BIN_MILLIS = 15 * MINUTE;
const DAY = 96;
const WEEK = 7 * DAY;
/** Eight days of quarter hours: the same time of day seven times, and a quarter hour to either side. */
const BINS = 8 * DAY;
/** Two days of residuals. */
const RESIDUALS = 2 * DAY;
const MINUTES = 64;
const SEASONS = 8;

/** What a series is expected to count in a minute. */
export interface Expectation {
  /** Of the season; before there is a season, of the hours before. */
  readonly mean: number;
  /** How much the last hour lay above or below its season, from 1/3 to 3; 1 without a season. */
  readonly level: number;
  /** Variance over mean, at least 1. */
  readonly dispersion: number;
  /** A week ago, from an hour before to an hour after this time of day; undefined where that is not known. */
  readonly lastWeek: { readonly least: number; readonly mean: number; readonly most: number } | undefined;
  /** How many quarter hours of the past are known. */
  readonly known: number;
}

/**
 * The counts of one series: the last hour by minute and eight days by quarter hour, and what follows from them for
 * the present. Times come from the data; minutes without a count are zeros.
 */
export class SeasonalSeries {
  readonly #bins = new Float32Array(BINS).fill(Number.NaN);
  readonly #residuals = new Float32Array(RESIDUALS).fill(Number.NaN);
  readonly #minutes = new Float32Array(MINUTES);
  /** What the season said of the last quarter hours, and of which ones. */
  readonly #seasons = new Float32Array(SEASONS).fill(Number.NaN);
  readonly #seasonBins = new Float64Array(SEASONS);
  /** Start of the last minute that was counted, epoch milliseconds. */
  #minute: number;
  #bin: number;
  #sum = 0;
  #isFlagged = false;
  #known = 0;
  #dispersion = 1;
  #expectation: Expectation;

  /** @param start start of the first minute that is counted, epoch milliseconds */
  constructor(start: number) {
    this.#minute = start - MINUTE;
    this.#bin = binOf(start);
    this.#expectation = this.#expect();
  }

  /** Counts a minute; those since the last one had nothing. */
  count(minute: number, count: number): void {
    this.advance(minute);
    this.#sum += count;
    const slot = (minute / MINUTE) % MINUTES;
    this.#minutes[slot] = (this.#minutes[slot] ?? 0) + count;
  }

  /** Lets time pass, up to and with this minute. */
  advance(minute: number): void {
    if (minute <= this.#minute) return;
    const first = Math.max(this.#minute + MINUTE, minute - (MINUTES - 1) * MINUTE);
    for (let at = first; at <= minute; at += MINUTE) this.#minutes[(at / MINUTE) % MINUTES] = 0;
    this.#minute = minute;
    const bin = binOf(minute);
    if (bin === this.#bin) return;
    this.#close();
    for (let at = Math.max(this.#bin + 1, bin - BINS); at < bin; at++) this.#store(at, 0);
    this.#bin = bin;
    this.#sum = 0;
    this.#isFlagged = false;
    this.#expectation = this.#expect();
  }

  /** Leaves the present quarter hour out of all baselines. */
  flag(): void {
    this.#isFlagged = true;
  }

  /** Sum of the last minutes, at most 60, the present one included. */
  recent(minutes: number): number {
    let sum = 0;
    for (let back = 0; back < minutes; back++) {
      sum += this.minute(back);
    }
    return sum;
  }

  /** Count of the minute that was so many minutes ago, at most 59. */
  minute(back: number): number {
    return this.#minutes[(this.#minute / MINUTE - back + MINUTES) % MINUTES] ?? 0;
  }

  /** As `recent`, without the largest minutes: what one short burst leaves. */
  recentWithout(largest: number, minutes: number): number {
    const counts: number[] = [];
    for (let back = 0; back < minutes; back++) {
      counts.push(this.minute(back));
    }
    counts.sort((a, b) => a - b);
    return counts.slice(0, minutes - largest).reduce((sum, count) => sum + count, 0);
  }

  /** Sum of the hour of closed quarter hours that ended a number of quarter hours ago; undefined if not known. */
  hour(binsAgo: number): number | undefined {
    let sum = 0;
    for (let back = 1; back <= 4; back++) sum += this.#at(this.#bin - binsAgo - back);
    return Number.isNaN(sum) ? undefined : sum;
  }

  get expectation(): Expectation {
    return this.#expectation;
  }

  /** The present quarter hour, as a number since 1970. */
  get bin(): number {
    return this.#bin;
  }

  #close(): void {
    const { mean, level } = this.#expectation;
    if (!this.#isFlagged) {
      const expected = Math.max(0.5, mean * level * 15);
      this.#residuals[this.#bin % RESIDUALS] = (this.#sum - expected) / Math.sqrt(expected);
    }
    this.#store(this.#bin, this.#isFlagged ? Number.NaN : this.#sum);
    // Once an hour: it costs more than all the rest.
    if (this.#known >= 8 && this.#bin % 4 === 0) this.#dispersion = dispersionOf(this.#residuals);
  }

  #store(bin: number, sum: number): void {
    this.#bins[bin % BINS] = sum;
    this.#known = Math.min(this.#known + 1, BINS);
  }

  #at(bin: number): number {
    return bin < this.#bin && bin > this.#bin - BINS && bin >= 0
      ? (this.#bins[bin % BINS] ?? Number.NaN)
      : Number.NaN;
  }

  #expect(): Expectation {
    const season = this.#season(this.#bin);
    this.#seasons[this.#bin % SEASONS] = season ?? Number.NaN;
    this.#seasonBins[this.#bin % SEASONS] = this.#bin;
    const known = this.#known;
    if (season === undefined) {
      const mean = typical(this.#collect(1, 16)) / 15;
      return {
        mean: Number.isNaN(mean) ? 0 : mean,
        level: 1,
        dispersion: Math.max(3, this.#dispersion),
        lastWeek: undefined,
        known,
      };
    }
    return {
      mean: season / 15,
      level: this.#level(),
      dispersion: this.#dispersion,
      lastWeek: this.#lastWeek(),
      known,
    };
  }

  /** Of the same time of day on the days before; undefined before there is a day of history. */
  #season(bin: number): number | undefined {
    const values: number[] = [];
    for (let day = 1; day <= 7; day++) {
      for (let near = -1; near <= 1; near++) {
        const value = this.#at(bin - day * DAY + near);
        if (!Number.isNaN(value)) values.push(value);
      }
    }
    return values.length === 0 ? undefined : typical(values);
  }

  /** The last hour against its season, without the quarter hour that has just ended. */
  #level(): number {
    let counted = 0;
    let expected = 0;
    for (let back = 2; back <= 5; back++) {
      const bin = this.#bin - back;
      const value = this.#at(bin);
      const season =
        this.#seasonBins[bin % SEASONS] === bin ? (this.#seasons[bin % SEASONS] ?? Number.NaN) : Number.NaN;
      if (Number.isNaN(value) || Number.isNaN(season)) continue;
      counted += value;
      expected += season;
    }
    if (expected < 20) return 1;
    return Math.min(3, Math.max(1 / 3, counted / expected));
  }

  #lastWeek(): Expectation['lastWeek'] {
    const values = this.#collect(WEEK - 4, WEEK + 4);
    if (values.length < 5) return undefined;
    const smooth = values.map((_, index) => {
      const near = values.slice(Math.max(0, index - 1), index + 2);
      return near.reduce((sum, value) => sum + value, 0) / near.length / 15;
    });
    return {
      least: Math.min(...smooth),
      mean: smooth.reduce((sum, value) => sum + value, 0) / smooth.length,
      most: Math.max(...smooth),
    };
  }

  #collect(from: number, to: number): number[] {
    const values: number[] = [];
    for (let back = from; back <= to; back++) {
      const value = this.#at(this.#bin - back);
      if (!Number.isNaN(value)) values.push(value);
    }
    return values;
  }
}

function binOf(minute: number): number {
  return Math.floor(minute / BIN_MILLIS);
}

/** Median; of small counts, which it would round to nothing, the mean without the largest. */
function typical(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  const median = middle(sorted);
  if (median >= 5 || sorted.length < 3) return median;
  const kept = sorted.slice(0, Math.max(1, Math.floor(sorted.length * 0.95)));
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}

function dispersionOf(residuals: Float32Array): number {
  // Typed arrays are sorted by number, with NaN last.
  const sorted = residuals.toSorted();
  const count = sorted.findLastIndex((residual) => !Number.isNaN(residual)) + 1;
  if (count < 8) return 1;
  const known = sorted.subarray(0, count);
  const center = middle(known);
  const squares = known.map((residual) => residual * residual).sort();
  const most = squares[Math.floor((count - 1) * 0.995)] ?? 0;
  let meanSquare = 0;
  for (const square of squares) meanSquare += Math.min(square, most) / count;
  const mad = middle(known.map((residual) => Math.abs(residual - center)).sort());
  return Math.max(1, (1.4826 * mad) ** 2, meanSquare);
}

function middle(sorted: ArrayLike<number>): number {
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
}
