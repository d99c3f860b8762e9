import type { ClickHouseClient } from '@clickhouse/client';
import { OriginscopeError } from '../core/errors.ts';
import { OPEN_MILLIS } from '../core/slots.ts';
import { type Dialect, isSharded, singleServer } from './dialect.ts';

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
 * Writes the retention into the tables' TTLs where it differs from what they have.
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
 * The statements that `applyRetention` would run. Raw spans have no TTL: the publisher drops them (see there).
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
    // In a cluster each node has its own; one that differs is enough.
    engines
      .get(isSharded(table) ? dialect.holding(table) : table)
      ?.every(({ engine_full }) => engine_full.includes(`TTL ${ttl} `)),
  );
}

/** The same for a database that is not there yet. */
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
    // Markers outlive what they mark.
    { table: 'published_slots', ttl: `slot + toIntervalDay(${days + 7})` },
    { table: 'sealed_slots', ttl: `slot + toIntervalDay(${days + 7})` },
    { table: 'usage_hours', ttl: `hour + toIntervalMonth(${months})` },
    { table: 'completeness_hours', ttl: `hour + toIntervalMonth(${months})` },
    { table: 'published_hours', ttl: `hour + toIntervalMonth(${months + 1})` },
  ];
}

/** @param isSet whether a table has the TTL; undefined where there is no table yet, which will be made as the schema says */
function alterTtls(
  retention: Retention,
  dialect: Dialect,
  isSet: (table: string, ttl: string) => boolean | undefined,
): string[] {
  const made = ttlsOf(RETENTION);
  return ttlsOf(retention).flatMap(({ table, ttl }, index) => {
    if (isSet(table, ttl) ?? ttl === made[index]?.ttl) return [];
    // What is everywhere is one replicated table: one node alters it for all.
    return [`ALTER TABLE ${isSharded(table) ? dialect.onShards(table) : table} MODIFY TTL ${ttl}`];
  });
}

/** Epoch milliseconds after which all minutes are still there; a day earlier they may be going. */
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
