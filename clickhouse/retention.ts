import type { ClickHouseClient } from '@clickhouse/client';
import { OriginscopeError } from '../core/errors.ts';
import { OPEN_MILLIS } from '../core/slots.ts';
import { type Dialect, isSharded, singleServer } from './dialect.ts';

/** Retention periods. */
export interface Retention {
  /** Decision spans; at least the 48 hours for which their slots are open. */
  readonly rawHours: number;
  /** Usage by minute, and blocked requests. */
  readonly minutesDays: number;
  /** Usage by hour, and completeness. */
  readonly hoursMonths: number;
}

export const RETENTION: Retention = { rawHours: 48, minutesDays: 30, hoursMonths: 13 };

/**
 * Updates the TTLs of the tables where they differ.
 *
 * @returns the statements that were run
 * @throws OriginscopeError `RETENTION_INVALID`
 */
export async function applyRetention(
  client: ClickHouseClient,
  retention: Retention,
  dialect: Dialect = singleServer,
): Promise<string[]> {
  const statements = await planRetention(client, retention, dialect);
  for (const query of statements) await client.command({ query });
  return statements;
}

/**
 * The statements that `applyRetention` would run. Raw spans have no TTL: housekeeping drops them.
 *
 * @throws OriginscopeError `RETENTION_INVALID`
 */
export async function planRetention(
  client: ClickHouseClient,
  retention: Retention,
  dialect: Dialect = singleServer,
): Promise<string[]> {
  assertValid(retention);
  const result = await client.query({
    query: `SELECT name, engine_full FROM ${dialect.system('tables')} WHERE database = (SELECT currentDatabase())`,
    format: 'JSONEachRow',
  });
  const engines = Map.groupBy(await result.json<{ name: string; engine_full: string }>(), ({ name }) => name);
  return alterTtls(retention, dialect, (table, ttl) =>
    // In a cluster each node has its own; one difference is enough.
    engines
      .get(isSharded(table) ? dialect.localTable(table) : table)
      ?.every(({ engine_full }) => engine_full.includes(`TTL ${ttl} `)),
  );
}

/** The same for a database that does not exist yet. */
export function allRetention(retention: Retention, dialect: Dialect): string[] {
  assertValid(retention);
  return alterTtls(retention, dialect, () => undefined);
}

interface Ttl {
  readonly table: string;
  readonly ttl: string;
}

function ttlsOf({ minutesDays: days, hoursMonths: months }: Retention): Ttl[] {
  return [
    { table: 'blocked_spans', ttl: `minute + toIntervalDay(${days})` },
    { table: 'usage_minutes', ttl: `minute + toIntervalDay(${days})` },
    { table: 'completeness_slots', ttl: `slot + toIntervalDay(${days})` },
    { table: 'slot_writes', ttl: `slot + toIntervalDay(${days})` },
    { table: 'publication_failures', ttl: `slot + toIntervalDay(${days})` },
    // Markers are kept longer than the rows they mark.
    { table: 'published_slots', ttl: `slot + toIntervalDay(${days + 7})` },
    { table: 'sealed_slots', ttl: `slot + toIntervalDay(${days + 7})` },
    { table: 'usage_hours', ttl: `hour + toIntervalMonth(${months})` },
    { table: 'completeness_hours', ttl: `hour + toIntervalMonth(${months})` },
    { table: 'published_hours', ttl: `hour + toIntervalMonth(${months + 1})` },
  ];
}

/** @param isSet whether a table has the TTL; undefined for a table that will be created by the schema */
function alterTtls(
  retention: Retention,
  dialect: Dialect,
  isSet: (table: string, ttl: string) => boolean | undefined,
): string[] {
  const made = ttlsOf(RETENTION);
  return ttlsOf(retention).flatMap(({ table, ttl }, index) => {
    if (isSet(table, ttl) ?? ttl === made[index]?.ttl) return [];
    // A table that exists on all nodes is one replicated table, altered once.
    return [`ALTER TABLE ${isSharded(table) ? dialect.onShards(table) : table} MODIFY TTL ${ttl}`];
  });
}

/**
 * The time (epoch milliseconds) from which all minutes are retained; up to a day earlier they may be
 * deleted already.
 */
export function keptSince(retention: Retention, now: number): number {
  return now - (retention.minutesDays - 1) * 86_400_000;
}

function assertValid(retention: Retention): void {
  const least: Retention = { rawHours: OPEN_MILLIS / 3_600_000, minutesDays: 3, hoursMonths: 1 };
  for (const key of ['rawHours', 'minutesDays', 'hoursMonths'] as const) {
    if (Number.isInteger(retention[key]) && retention[key] >= least[key]) continue;
    throw new OriginscopeError('RETENTION_INVALID', { key, least: least[key], value: retention[key] });
  }
}
