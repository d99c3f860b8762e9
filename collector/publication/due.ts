import type { ClickHouseClient } from '@clickhouse/client';
import { keptSince, type Retention } from '../../clickhouse/retention.ts';
import { SLOT_MILLIS, seconds } from '../../core/slots.ts';
import type { SlotRun } from './publish-hour.ts';
import type { Run } from './run.ts';

export interface DueAt {
  /** `ClickHouse.publishing`. */
  readonly client: Pick<ClickHouseClient, 'query'>;
  readonly retention: Retention;
  /** Epoch milliseconds. */
  readonly now: number;
  /** How long after its end a slot or an hour is due. */
  readonly settlingMillis: number;
}

/** Closed slots without a run, or with writes that their newest run may not hold: starts, oldest first. */
export async function dueSlots({ client, retention, now, settlingMillis }: DueAt): Promise<number[]> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(slot) AS slot FROM slot_states
      WHERE slot <= toDateTime({closed:UInt32}, 'UTC') AND slot > toDateTime({kept:UInt32}, 'UTC')
        AND (run = 0 OR behind AND NOT sealed)
      ORDER BY slot`,
    query_params: {
      closed: seconds(now - SLOT_MILLIS - settlingMillis),
      kept: seconds(keptSince(retention, now)),
    },
    format: 'JSONEachRow',
  });
  return (await result.json<{ slot: number }>()).map(({ slot }) => slot * 1000);
}

/**
 * Closed hours (starts, oldest first) whose slots are all published, and not the ones that the hour was made of.
 * Only while all their minutes are kept: an hour must not shrink when they go. Before they go, an hour is made of
 * the slots that are published, or one that cannot be would take the others along.
 */
export async function dueHours({
  client,
  retention,
  now,
  settlingMillis,
}: DueAt): Promise<Map<number, SlotRun[]>> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(hour) AS hour,
        arrayMap(made -> toUnixTimestamp(made.1), slot_runs) AS slots, arrayMap(made -> toString(made.2), slot_runs) AS runs
      FROM (
        SELECT toStartOfHour(slot) AS hour, arraySort(groupArrayIf((slot, run), run > 0)) AS slot_runs,
          countIf(run = 0) AS waiting
        FROM slots GROUP BY hour
      ) AS current
      LEFT JOIN (
        SELECT hour, argMax(slot_runs, run) AS made_of FROM published_hours GROUP BY hour
      ) AS published USING (hour)
      WHERE hour <= toDateTime({closed:UInt32}, 'UTC') AND hour > toDateTime({kept:UInt32}, 'UTC')
        AND (waiting = 0 OR hour < toDateTime({last_day:UInt32}, 'UTC')) AND slot_runs != [] AND slot_runs != made_of
      ORDER BY hour`,
    query_params: {
      closed: seconds(now - 3_600_000 - settlingMillis),
      // Half a day after their slots, which all minutes outlive.
      kept: seconds(keptSince(retention, now) - 43_200_000),
      last_day: seconds(keptSince(retention, now) + 43_200_000),
    },
    format: 'JSONEachRow',
  });
  return new Map(
    (await result.json<{ hour: number; slots: number[]; runs: Run[] }>()).map(({ hour, slots, runs }) => [
      hour * 1000,
      runs.map((run, index) => ({ slot: (slots[index] ?? 0) * 1000, run })),
    ]),
  );
}
