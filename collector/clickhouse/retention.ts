import type { ClickHouseClient } from '@clickhouse/client';
import { OriginscopeError } from '../errors.ts';
import { OPEN_MILLIS } from './slots.ts';

/** How long what is kept. */
export interface Retention {
  /** Decision spans; at least the 48 hours for which their slots are open. */
  readonly rawHours: number;
  /** Usage by the minute, and blocked requests. */
  readonly minutesDays: number;
  /** Usage by the hour, and completeness. */
  readonly hoursMonths: number;
}

export const RETENTION: Retention = { rawHours: 48, minutesDays: 30, hoursMonths: 13 };

/**
 * Writes the retention into the tables' TTLs where it differs from what they have. Raw spans have no TTL:
 * the publisher drops them (see there).
 *
 * @throws OriginscopeError `RETENTION_INVALID`
 */
export async function applyRetention(client: ClickHouseClient, retention: Retention): Promise<void> {
  refuseInvalid(retention);
  const days = retention.minutesDays;
  const months = retention.hoursMonths;
  const ttls: readonly (readonly [table: string, column: string, interval: string])[] = [
    ['blocked_spans', 'minute', `toIntervalDay(${days})`],
    ['usage_minutes', 'minute', `toIntervalDay(${days})`],
    ['completeness_slots', 'slot', `toIntervalDay(${days})`],
    ['slot_marks', 'slot', `toIntervalDay(${days})`],
    // Markers outlive what they mark.
    ['published_slots', 'slot', `toIntervalDay(${days + 7})`],
    ['usage_hours', 'hour', `toIntervalMonth(${months})`],
    ['completeness_hours', 'hour', `toIntervalMonth(${months})`],
    ['published_hours', 'hour', `toIntervalMonth(${months + 1})`],
  ];
  const result = await client.query({
    query: 'SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()',
    format: 'JSONEachRow',
  });
  const engines = new Map(
    (await result.json<{ name: string; engine_full: string }>()).map((table) => [
      table.name,
      table.engine_full,
    ]),
  );
  for (const [table, column, interval] of ttls) {
    const ttl = `${column} + ${interval}`;
    if (engines.get(table)?.includes(`TTL ${ttl} `)) continue;
    await client.command({ query: `ALTER TABLE ${table} MODIFY TTL ${ttl}` });
  }
}

/** Epoch milliseconds after which all minutes are still there; a day earlier they may be going. */
export function keptSince(retention: Retention, now: number): number {
  return now - (retention.minutesDays - 1) * 86_400_000;
}

function refuseInvalid(retention: Retention): void {
  const least: Retention = { rawHours: OPEN_MILLIS / 3_600_000, minutesDays: 3, hoursMonths: 1 };
  for (const key of ['rawHours', 'minutesDays', 'hoursMonths'] as const) {
    if (Number.isInteger(retention[key]) && retention[key] >= least[key]) continue;
    throw new OriginscopeError(
      'RETENTION_INVALID',
      `Retention ${key} has to be a whole number of at least ${least[key]}, not ${retention[key]}`,
      { remedy: `Set ${key} to ${least[key]} or more.` },
    );
  }
}
