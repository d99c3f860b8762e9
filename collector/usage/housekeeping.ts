import type { ClickHouseClient } from '@clickhouse/client';
import { RUN_START } from './run.ts';

/**
 * Drops the days of raw spans that ended before `before` (epoch milliseconds), unless a slot of theirs waits
 * to be published: a TTL would not ask.
 */
export async function dropPublishedDays(client: ClickHouseClient, before: number): Promise<void> {
  const result = await client.query({
    query: `SELECT DISTINCT partition_id AS day FROM system.parts
      WHERE database = currentDatabase() AND table = 'decision_spans' AND active
        AND toDateTime(toDate(partition), 'UTC') + toIntervalDay(1) <= toDateTime({before:UInt32}, 'UTC')
        AND toDate(partition) NOT IN (
          SELECT toDate(slot, 'UTC')
          FROM (SELECT slot, max(marked_at) AS marked FROM slot_marks GROUP BY slot) AS marks
          LEFT JOIN (SELECT slot, max(run) AS run FROM published_slots GROUP BY slot) AS published USING (slot)
          WHERE run = 0 OR marked >= ${RUN_START})`,
    query_params: { before: Math.floor(before / 1000) },
    format: 'JSONEachRow',
  });
  for (const { day } of await result.json<{ day: string }>()) {
    await client.command({
      query: 'ALTER TABLE decision_spans DROP PARTITION ID {day:String}',
      query_params: { day },
    });
  }
}

/** Tables of a run, with the ledger that says which run of a period is the newest. */
const PUBLISHED = [
  { ledger: 'published_slots', period: 'slot', tables: ['usage_minutes', 'completeness_slots'] },
  { ledger: 'published_hours', period: 'hour', tables: ['usage_hours', 'completeness_hours'] },
] as const;

/**
 * Removes runs that began an hour ago and are not the newest marked one of their period: superseded ones,
 * and what a crash left behind. A reader or a publication in flight is younger than that.
 */
export async function removeSuperseded(client: ClickHouseClient): Promise<void> {
  for (const { ledger, period, tables } of PUBLISHED) {
    const newest = `SELECT ${period}, max(run) FROM ${ledger} GROUP BY ${period}`;
    for (const table of [...tables, ledger]) {
      const result = await client.query({
        query: `SELECT toString(run) AS number FROM (
            SELECT DISTINCT run FROM ${table}
            WHERE (${period}, run) NOT IN (${newest}) AND ${RUN_START} < now64(6, 'UTC') - toIntervalHour(1))`,
        format: 'JSONEachRow',
      });
      const runs = (await result.json<{ number: string }>()).map((run) => BigInt(run.number));
      if (runs.length === 0) continue;
      await client.command({
        query: `DELETE FROM ${table} WHERE run IN {runs:Array(UInt64)} AND (${period}, run) NOT IN (${newest})`,
        query_params: { runs },
      });
    }
  }
}
