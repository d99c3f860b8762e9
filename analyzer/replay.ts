import type { ClickHouseClient } from '@clickhouse/client';
import type { Configuration } from './configuration.ts';
import { type Analysis, createAnalysis } from './incident-analysis.ts';
import type { Incident } from './incidents/incident.ts';
import { readVerdicts } from './incidents/incident-store.ts';
import { firstMinute, readCompleteness, readMinutes } from './input/read-usage.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** After an hour's end, until what arrived of it is counted. */
const COMPLETENESS_MILLIS = 15 * MINUTE;

/** What the incidents were after a minute. */
export interface AnalyzedMinute {
  /** Start, epoch milliseconds. */
  readonly minute: number;
  /** Open, or resolved in this minute. */
  readonly incidents: readonly Incident[];
}

/** Feeds an analysis from the views, minute by minute. */
export interface Replay {
  readonly analysis: Analysis;
  /** The first minute that is not analyzed yet, epoch milliseconds. */
  readonly next: number;
  /** Analyzes the minutes up to a time. A failure leaves the failed minute, and those after it, for the next call. */
  advance(until: number): AsyncGenerator<AnalyzedMinute>;
}

/**
 * @param client `ClickHouse.reading`
 * @param since where the first warm-up begins, epoch milliseconds; what lies before the first data is passed over
 */
export async function createReplay(
  client: ClickHouseClient,
  configuration: Configuration,
  since: number,
  until: number,
): Promise<Replay> {
  const analysis = createAnalysis(configuration);
  const first = await firstMinute(client, since, until);
  let next = Math.ceil((first ?? Math.max(since, until - MINUTE)) / MINUTE) * MINUTE;
  return {
    analysis,
    get next() {
      return next;
    },
    async *advance(until) {
      // A day at a time: verdicts and completeness are few.
      while (next + MINUTE <= until) {
        const to = Math.min(Math.floor(until / MINUTE) * MINUTE, next + DAY);
        const verdicts = await readVerdicts(client, next, to);
        const hours = await readCompleteness(client, next - HOUR - COMPLETENESS_MILLIS, to);
        for await (const { minute, rows } of readMinutes(client, next, to)) {
          const incidents = analysis.tick({
            minute,
            rows,
            completeness: hours.filter(({ hour }) => hour + HOUR + COMPLETENESS_MILLIS === minute),
            verdicts: verdicts.filter(({ at }) => at >= minute && at < minute + MINUTE),
          });
          next = minute + MINUTE;
          yield { minute, incidents };
        }
      }
    },
  };
}
