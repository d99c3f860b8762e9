import type { Configuration } from '../configuration.ts';
import { callKeyOf } from '../history/call.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import type { UsageRow } from '../input/usage-row.ts';
import { type Rate, RateWatch } from '../statistics/rate-watch.ts';
import { type Detection, type DetectorName, subjectOf } from './detection.ts';

/**
 * Rates of what flips do not show: blocked calls that are allowed at other times (a part of the instances, a part
 * of the clients), and errors that carry no CORS headers, which hide from pages what went wrong.
 */
export class BlockRates {
  readonly #scope: Scope;
  readonly #blocks: RateWatch;
  readonly #serverErrors: RateWatch;

  constructor(scope: Scope, configuration: Configuration) {
    this.#scope = scope;
    this.#blocks = new RateWatch(scope.startedAt, configuration, { findsRuns: true });
    this.#serverErrors = new RateWatch(scope.startedAt, configuration, { findsRuns: true });
  }

  detect({ minute, blockedKnown, serverErrors }: ScopeMinute): Detection[] {
    const { calls, total } = this.#scope;
    const usual = 15 * total.expectation.mean;
    const traffic = usual < 1 ? 1 : total.recent(15) / usual;
    const mixed = blockedKnown.filter((row) => {
      const call = calls.get(callKeyOf(row));
      return call !== undefined && call.allowed > 0 && call.brokenSince === undefined;
    });
    const detections: Detection[] = [];
    const blocks = this.#blocks.observeRows(minute, mixed, traffic);
    if (blocks.isHigh) {
      detections.push(this.#detection('block_rate', this.#blocks, mixed, blocks, blockSentence));
    }
    const errors = this.#serverErrors.observeRows(minute, serverErrors, traffic);
    if (errors.isHigh) {
      detections.push(
        this.#detection('server_error_rate', this.#serverErrors, serverErrors, errors, errorSentence),
      );
    }
    return detections;
  }

  #detection(
    detector: DetectorName,
    watch: RateWatch,
    rows: readonly UsageRow[],
    rate: Rate,
    sentence: (rate: Rate, rows: readonly UsageRow[]) => string,
  ): Detection {
    const { observed, expected, score } = rate;
    const [first] = rows;
    return {
      family: 'breakage',
      detector,
      subject: subjectOf(first?.reason ?? 'acao_missing', first?.detail ?? ''),
      observed,
      expected,
      unit: `decisions in ${rate.minutes} min`,
      score,
      since: watch.since,
      sentence: sentence(rate, rows),
      isConfirmed: true,
      rows,
    };
  }
}

function blockSentence({ observed, expected, minutes }: Rate): string {
  return `${observed} blocked calls in ${minutes} min of calls that are allowed at other times; ${expected.toFixed(1)} were expected.`;
}

function errorSentence({ observed, expected, minutes }: Rate, rows: readonly UsageRow[]): string {
  const statuses = [...new Set(rows.map(({ statusCode }) => statusCode))].sort((a, b) => a - b).join(', ');
  return `${observed} errors${statuses === '' ? '' : ` (${statuses})`} without CORS headers in ${minutes} min to origins that are allowed; ${expected.toFixed(1)} were expected.`;
}
