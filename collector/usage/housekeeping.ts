import type { ClickHouseClient } from '@clickhouse/client';
import { agree, type Dialect } from '../clickhouse/dialect.ts';
import { isDirty, RUN_START } from './run.ts';

/**
 * Drops the days of raw spans that ended before `before` (epoch milliseconds), unless a slot of theirs waits
 * to be published: a TTL would not ask.
 */
export async function dropPublishedDays(
  client: ClickHouseClient,
  dialect: Dialect,
  before: number,
): Promise<void> {
  await agree(client, dialect, ['slot_marks', 'published_slots']);
  const result = await client.query({
    query: `SELECT day FROM (
        SELECT DISTINCT partition_id AS day, toDate(partition) AS date FROM ${dialect.system('parts')}
        WHERE database = (SELECT currentDatabase()) AND table = '${dialect.holding('decision_spans')}' AND active)
      WHERE toDateTime(date, 'UTC') + toIntervalDay(1) <= toDateTime({before:UInt32}, 'UTC')
        AND date NOT IN (
          SELECT toDate(slot, 'UTC')
          FROM (SELECT slot, max(marked_at) AS marked FROM slot_marks GROUP BY slot) AS marks
          LEFT JOIN (SELECT slot, max(run) AS run FROM published_slots GROUP BY slot) AS published USING (slot)
          WHERE run = 0 OR ${isDirty(dialect)})`,
    query_params: { before: Math.floor(before / 1000) },
    format: 'JSONEachRow',
  });
  for (const { day } of await result.json<{ day: string }>()) {
    await client.command({
      query: `ALTER TABLE ${dialect.onShards('decision_spans')} DROP PARTITION ID {day:String}`,
      query_params: { day },
    });
  }
}

/** Runs of a period that one statement names: parameters travel in the URL. */
const MOST_AT_ONCE = 500;

/** Tables of a run, with the ledger that says which run of a period is the newest. */
const PUBLISHED = [
  { ledger: 'published_slots', period: 'slot', tables: ['usage_minutes', 'completeness_slots'] },
  { ledger: 'published_hours', period: 'hour', tables: ['usage_hours', 'completeness_hours'] },
] as const;

/**
 * Removes runs that began an hour ago and are not the newest marked one of their period: superseded ones,
 * and what a crash left behind. A reader or a publication in flight is younger than that.
 */
export async function removeSuperseded(client: ClickHouseClient, dialect: Dialect): Promise<void> {
  for (const { ledger, period, tables } of PUBLISHED) {
    const newest = `SELECT ${period}, max(run) FROM ${ledger} GROUP BY ${period}`;
    for (const table of [...tables, ledger]) {
      let found: { start: number; number: string }[];
      do {
        const result = await client.query({
          query: `SELECT start, toString(run) AS number FROM (
              SELECT DISTINCT toUnixTimestamp(${period}) AS start, run FROM ${table}
              WHERE (${period}, run) NOT IN (${newest}) AND ${RUN_START} < now64(6, 'UTC') - toIntervalHour(1))
            ORDER BY start, run LIMIT ${MOST_AT_ONCE}`,
          format: 'JSONEachRow',
        });
        found = await result.json();
        if (found.length === 0) break;
        // Every reader has to know the run that took their place.
        await agree(client, dialect, [ledger]);
        // By value: a replicated table takes no subquery here, which each replica would answer for itself.
        await client.command({
          query: `DELETE FROM ${table}
            WHERE (toUnixTimestamp(${period}), run) IN arrayZip({starts:Array(UInt32)}, {runs:Array(UInt64)})`,
          query_params: {
            starts: found.map(({ start }) => start),
            runs: found.map(({ number }) => BigInt(number)),
          },
        });
      } while (found.length === MOST_AT_ONCE);
    }
  }
}
