import { counted } from '../../core/counted.ts';
import type { Configuration } from '../configuration.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { OriginHistory, Scope } from '../history/scope.ts';
import { NOISE_KINDS } from '../input/origin-kind.ts';
import { decisionsOf, type UsageRow } from '../input/usage-row.ts';
import { deviance } from '../statistics/negative-binomial.ts';
import { NO_CLIENTS, RateWatch } from '../statistics/rate-watch.ts';
import type { Detection } from './detection.ts';
import { mostAlike } from './lookalike.ts';

const MINUTE = 60_000;
const DAY_MINUTES = 1440;
const SCAN_MINUTES = 360;
const BURST_MINUTES = 15;
const SCORE = 5;
/** The baseline's upper bound. */
const BASELINE_MARGIN = 1.5;
const LEAST_EXPECTED = 0.3;
const LEARNING_MILLIS = DAY_MINUTES * MINUTE;
const LEAST_LIKENESS = 0.7;

/** Origins that are not allowed, or were not until now: many new ones at once, `null`, and lookalikes of allowed origins. */
export class StrangerWatch {
  readonly #scope: Scope;
  /** New origins of each minute of the last six hours. */
  readonly #recent = new Uint16Array(SCAN_MINUTES);
  /** New origins of each day, and minutes that were counted for it: what was unusual is left out. */
  readonly #days = new Map<number, { origins: number; minutes: number }>();
  readonly #nullOrigin: RateWatch;
  readonly #blocked: RateWatch;
  #recentSum = 0;
  #minute = 0;
  #since: number | undefined;

  constructor(scope: Scope, configuration: Configuration) {
    this.#scope = scope;
    this.#nullOrigin = new RateWatch(scope.startedAt, configuration);
    this.#blocked = new RateWatch(scope.startedAt, configuration);
  }

  detect(facts: ScopeMinute): Detection[] {
    const { minute, rows, newOrigins } = facts;
    const strangers = rows.filter((row) => this.#isStranger(row));
    const named = newOrigins.filter((origin) => isCounted(origin, rows));
    const usual = this.#usualRate();
    this.#countNew(minute, named.length);
    const detections: Detection[] = [];
    if (this.#scope.age(minute) >= LEARNING_MILLIS) {
      const burst = this.#burst(minute, usual, strangers);
      if (burst !== undefined) detections.push(burst);
      detections.push(...this.#lookalikes(facts, strangers));
    }
    this.#learn(minute, named.length, detections.length > 0);
    detections.push(...this.#rates(minute, strangers));
    return detections;
  }

  #isStranger(row: UsageRow): boolean {
    if (row.verdict === 'allowed' && row.allowOrigin === 'wildcard') return false;
    const origin = this.#scope.origins.get(row.origin);
    if (origin === undefined || NOISE_KINDS.has(origin.kind)) return false;
    return origin.allowed < 3 || origin.firstAllowedAt > row.minute - SCAN_MINUTES * MINUTE;
  }

  #countNew(minute: number, count: number): void {
    const from = Math.max(this.#minute + MINUTE, minute - (SCAN_MINUTES - 1) * MINUTE);
    for (let at = from; at <= minute; at += MINUTE) {
      const slot = (at / MINUTE) % SCAN_MINUTES;
      this.#recentSum -= this.#recent[slot] ?? 0;
      this.#recent[slot] = 0;
    }
    this.#minute = minute;
    this.#recent[(minute / MINUTE) % SCAN_MINUTES] = count;
    this.#recentSum += count;
  }

  #sum(minutes: number): number {
    if (minutes === SCAN_MINUTES) return this.#recentSum;
    let sum = 0;
    for (let back = 0; back < minutes; back++) {
      sum += this.#recent[(this.#minute / MINUTE - back + SCAN_MINUTES) % SCAN_MINUTES] ?? 0;
    }
    return sum;
  }

  #learn(minute: number, count: number, isUnusual: boolean): void {
    if (isUnusual) return;
    const day = Math.floor(minute / (DAY_MINUTES * MINUTE));
    const known = this.#days.get(day);
    if (known === undefined) {
      this.#days.set(day, { origins: count, minutes: 1 });
      this.#days.delete(day - 8);
    } else {
      known.origins += count;
      known.minutes++;
    }
  }

  /** New origins a minute. The first day is left out as soon as there are others: everything was new then. */
  #usualRate(): number {
    const first = Math.floor(this.#scope.startedAt / (DAY_MINUTES * MINUTE));
    let origins = 1;
    let minutes = DAY_MINUTES / 2;
    for (const [day, known] of this.#days) {
      if (day === first) continue;
      origins += known.origins;
      minutes += known.minutes;
    }
    return origins / minutes;
  }

  #burst(minute: number, usual: number, strangers: readonly UsageRow[]): Detection | undefined {
    const windows = [
      { minutes: BURST_MINUTES, least: 7, detector: 'novelty_burst' },
      { minutes: SCAN_MINUTES, least: 12, detector: 'slow_scan' },
    ] as const;
    for (const { minutes, least, detector } of windows) {
      const observed = this.#sum(minutes);
      const expected = usual * minutes;
      const score = deviance(observed, BASELINE_MARGIN * expected + LEAST_EXPECTED, 1);
      const isHigh = observed >= least && score >= (this.#since === undefined ? SCORE : SCORE / 2);
      if (!isHigh) continue;
      const rows = strangers.filter((row) => this.#isRecent(row.origin, minute, minutes));
      if (this.#since !== undefined && rows.length === 0) continue;
      this.#since ??= this.#firstOf(minutes);
      return {
        family: 'suspicious',
        detector,
        subject: { kind: 'service', value: this.#scope.service },
        observed,
        expected,
        unit: `new origins in ${minutes} min`,
        score,
        since: this.#since,
        sentence: `${observed} origins never seen before in ${minutes} min; ${expected.toFixed(1)} were expected.`,
        isConfirmed: true,
        rows,
        origins: [...new Set(rows.map(({ origin }) => origin))],
        exposesCredentials: rows.some((row) => row.allowOrigin === 'exact' && row.allowCredentials),
        against: browserEvidence(rows),
      };
    }
    this.#since = undefined;
    return undefined;
  }

  #isRecent(origin: string, minute: number, minutes: number): boolean {
    const known = this.#scope.origins.get(origin);
    return known !== undefined && known.firstAt > minute - minutes * MINUTE;
  }

  #firstOf(minutes: number): number {
    let first = this.#minute;
    for (let back = 0; back < minutes; back++) {
      const at = this.#minute - back * MINUTE;
      if ((this.#recent[(at / MINUTE + SCAN_MINUTES) % SCAN_MINUTES] ?? 0) > 0) first = at;
    }
    return first;
  }

  *#lookalikes({ newOrigins, minute }: ScopeMinute, strangers: readonly UsageRow[]): Iterable<Detection> {
    const candidates = newOrigins.filter(({ kind }) => kind === 'website');
    if (candidates.length === 0) return;
    const allowed = [...this.#scope.origins.values()]
      .filter((origin) => origin.exact > 0 && this.#scope.isKnown(origin, minute))
      .map(({ origin }) => origin);
    for (const { origin } of candidates.slice(0, 50)) {
      const likeness = mostAlike(origin, allowed);
      const rows = strangers.filter((row) => row.origin === origin);
      if (likeness === undefined || rows.length === 0) continue;
      const isAllowed = rows.some((row) => row.verdict === 'allowed');
      // That the same host is allowed without TLS is a misconfiguration, not a trick.
      if (likeness.score < (isAllowed ? 0.65 : LEAST_LIKENESS)) continue;
      yield {
        family: 'suspicious',
        detector: 'lookalike',
        subject: { kind: 'origin', value: origin },
        observed: likeness.score,
        expected: 0,
        unit: 'likeness',
        score: likeness.score,
        since: minute,
        sentence: `${origin} is new and ${likeness.how} (like ${likeness.allowed}, which is allowed); it was ${isAllowed ? 'allowed' : 'blocked'}.`,
        isConfirmed: true,
        rows,
        origins: [origin],
        exposesCredentials: rows.some((row) => row.allowOrigin === 'exact' && row.allowCredentials),
        against: browserEvidence(rows),
      };
    }
  }

  /** Bursts of `null`, and a stranger that is blocked again and again in browsers. */
  *#rates(minute: number, strangers: readonly UsageRow[]): Iterable<Detection> {
    const nulls = strangers.filter(({ origin }) => origin === 'null');
    const nullCount = decisionsOf(nulls);
    const ofNull = this.#nullOrigin.observe(minute, nullCount, NO_CLIENTS);
    if (ofNull.isHigh) {
      yield {
        family: 'suspicious',
        detector: 'null_burst',
        subject: { kind: 'origin', value: 'null' },
        observed: ofNull.observed,
        expected: ofNull.expected,
        unit: `decisions in ${ofNull.minutes} min`,
        score: ofNull.score,
        since: this.#nullOrigin.since,
        sentence: `${ofNull.observed} requests with Origin null in ${ofNull.minutes} min; ${ofNull.expected.toFixed(1)} were expected.`,
        isConfirmed: true,
        rows: nulls,
        origins: ['null'],
        exposesCredentials: nulls.some((row) => row.verdict === 'allowed' && row.allowCredentials),
        against: browserEvidence(nulls),
      };
    }
    const blocked = strangers.filter(
      ({ origin, verdict, browser }) => verdict === 'blocked' && browser && origin !== 'null',
    );
    const rate = this.#blocked.observeRows(minute, blocked);
    if (rate.isHigh) {
      yield {
        family: 'suspicious',
        detector: 'stranger_rate',
        subject: subjectOf(blocked),
        observed: rate.observed,
        expected: rate.expected,
        unit: `decisions in ${rate.minutes} min`,
        score: rate.score,
        since: this.#blocked.since,
        sentence: `${rate.observed} blocked calls in ${rate.minutes} min of origins that were never allowed; ${rate.expected.toFixed(1)} were expected.`,
        isConfirmed: true,
        rows: blocked,
        origins: [...new Set(blocked.map(({ origin }) => origin))],
        against: browserEvidence(blocked),
      };
    }
  }
}

function isCounted(origin: OriginHistory, rows: readonly UsageRow[]): boolean {
  if (NOISE_KINDS.has(origin.kind)) return false;
  return rows.some(
    (row) => row.origin === origin.origin && !(row.verdict === 'allowed' && row.allowOrigin === 'wildcard'),
  );
}

function subjectOf(rows: readonly UsageRow[]): Detection['subject'] {
  const [only, ...others] = new Set(rows.map(({ origin }) => origin));
  if (only !== undefined && others.length === 0) return { kind: 'origin', value: only };
  return { kind: 'reason', value: rows.find(({ reason }) => reason !== '')?.reason ?? 'new origins' };
}

function browserEvidence(rows: readonly UsageRow[]): string[] {
  const decisions = decisionsOf(rows);
  const browsers = rows.reduce((sum, row) => sum + (row.browser ? row.decisions : 0), 0);
  if (browsers === 0 || browsers < decisions / 2) return [];
  return [`${browsers} of ${counted(decisions, 'request')} carry fetch metadata, as browsers send them.`];
}
