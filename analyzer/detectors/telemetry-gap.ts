import { counted } from '../../core/counted.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import type { CompletenessRow } from '../input/usage-row.ts';
import { logProbabilityOfZero } from '../statistics/negative-binomial.ts';
import type { Detection } from './detection.ts';

const MINUTE = 60_000;
/** Longer than a restart takes. */
const LEAST_SILENCE_MILLIS = 3 * MINUTE;
const LEAST_DISPERSION = 2;
const DAY_OF_BINS = 96;
const LEAST_EXPECTED = 20;
/** The baseline's lower bound. */
const LOWER = 0.8;
const LOG_CHANCE = Math.log(1e-7);
const COMPLETE = 0.9;

/** A service that says nothing at all, while it is expected to; or of which too little arrives. */
export class TelemetryGapWatch {
  readonly #scope: Scope;
  #missed = 0;
  #isSilent = false;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  detect({ minute, rows }: ScopeMinute): Detection[] {
    const { total, lastAt, service } = this.#scope;
    const { mean, level, dispersion, lastWeek, known } = total.expectation;
    if (rows.length > 0) {
      this.#missed = 0;
      this.#isSilent = false;
      return [];
    }
    // Within a silence the level is that of the silence.
    const perMinute = this.#isSilent || minute - lastAt > 15 * MINUTE ? mean : mean * Math.min(1, level);
    this.#missed += LOWER * Math.min(perMinute, lastWeek?.least ?? perMinute);
    if (known < DAY_OF_BINS || minute - lastAt < LEAST_SILENCE_MILLIS || this.#missed < LEAST_EXPECTED)
      return [];
    const chance = logProbabilityOfZero(this.#missed, Math.max(LEAST_DISPERSION, dispersion));
    if (chance > LOG_CHANCE && !this.#isSilent) return [];
    this.#isSilent = true;
    total.flag();
    const minutes = Math.round((minute - lastAt) / MINUTE);
    return [
      {
        family: 'gap',
        detector: 'silence',
        subject: { kind: 'service', value: service },
        observed: 0,
        expected: this.#missed,
        unit: 'decisions',
        score: 0,
        since: lastAt + MINUTE,
        sentence: `No decision of any origin for ${minutes} min; at least ${Math.round(this.#missed)} were expected.`,
        isConfirmed: true,
        rows: [],
      },
    ];
  }
}

/** From hourly completeness: decision spans carry what their process has counted. */
export function detectIncompleteness(rows: readonly CompletenessRow[], service: string): Detection[] {
  return rows
    .filter((row) => row.service === service && row.observed >= 200 && row.received < COMPLETE * row.observed)
    .map(({ hour, received, observed }) => ({
      family: 'gap',
      detector: 'completeness',
      subject: { kind: 'service', value: service },
      observed: received,
      expected: observed,
      unit: 'decisions in an hour',
      score: 0,
      since: hour,
      sentence: `${counted(received, 'decision')} of ${observed.toLocaleString('en')} observed ones arrived (${Math.floor((100 * received) / observed)} %).`,
      isConfirmed: true,
      rows: [],
    }));
}
