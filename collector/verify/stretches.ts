import { isOfEngine } from '../../clickhouse/trouble.ts';
import { printableMessage } from '../../core/text.ts';
import type { VerifiedDatabase } from './database.ts';

/** A part of a table by time, epoch seconds; until is exclusive. */
export interface Stretch {
  readonly from: number;
  readonly until: number;
}

export interface TableInTime {
  readonly name: string;
  /** The column that the table is partitioned by. */
  readonly time: 'minute' | 'slot' | 'hour';
  /** Stretches are cut at whole ones of it, in seconds. */
  readonly unit: 600 | 3_600;
}

/** Rows of a statement: what it holds in memory, and the time it takes, stay within what readers may use. */
const MOST_ROWS = 1_000_000;

const DAY = 86_400;

/** WHERE for a stretch of a table, over `boundsOf` the stretch. */
export function within({ time }: TableInTime): string {
  return `${time} BETWEEN toDateTime({first:UInt32}, 'UTC') AND toDateTime({last:UInt32}, 'UTC')`;
}

/** Parameters for `within`; the last day of DateTime is not whole. */
export function boundsOf({ from, until }: Stretch): { readonly first: number; readonly last: number } {
  return { first: from, last: Math.min(until - 1, 2 ** 32 - 1) };
}

/** Parts of a table that hold about a million rows each, or a single unit, in the order of time. */
export async function stretchesOf(database: VerifiedDatabase, table: TableInTime): Promise<Stretch[]> {
  const { name, time, unit } = table;
  // The engine knows it by partition, without reading rows.
  const days = await database.ask<Counted>(
    `SELECT toUnixTimestamp(toDateTime(toDate(${time}, 'UTC'), 'UTC')) AS start, count() AS rows
     FROM ${name} GROUP BY toDate(${time}, 'UTC') AS day ORDER BY day`,
  );
  const parts: (Stretch & Counted)[] = [];
  for (const day of days) {
    if (day.rows <= MOST_ROWS) {
      parts.push({ ...day, from: day.start, until: day.start + DAY });
      continue;
    }
    const units = await database.ask<Counted>(
      `SELECT intDiv(toUnixTimestamp(${time}), ${unit}) * ${unit} AS start, count() AS rows
       FROM ${name} WHERE ${within(table)} GROUP BY start ORDER BY start`,
      boundsOf({ from: day.start, until: day.start + DAY }),
    );
    parts.push(...units.map((part) => ({ ...part, from: part.start, until: part.start + unit })));
  }
  return joined(parts);
}

interface Counted {
  readonly start: number;
  readonly rows: number;
}

/** Neighbours that are small together become one. */
function joined(parts: readonly (Stretch & Counted)[]): Stretch[] {
  const stretches: { from: number; until: number; rows: number }[] = [];
  for (const { from, until, rows } of parts) {
    const last = stretches.at(-1);
    if (last !== undefined && last.rows + rows <= MOST_ROWS) {
      last.until = until;
      last.rows += rows;
    } else stretches.push({ from, until, rows });
  }
  return stretches;
}

/**
 * Reads a table stretch by stretch. One that cannot be read (a damaged part, too much for the limits of readers) is
 * halved until only the unit at fault is told to `unreadable`.
 */
export async function readStretches(
  { unit }: TableInTime,
  stretches: readonly Stretch[],
  read: (stretch: Stretch) => Promise<void>,
  unreadable: (start: number, reason: string) => void,
): Promise<void> {
  async function attempt({ from, until }: Stretch): Promise<void> {
    try {
      return await read({ from, until });
    } catch (error) {
      if (!isOfEngine(error)) throw error;
      if (until - from <= unit) return unreadable(from, printableMessage(error));
    }
    const middle = from + Math.ceil((until - from) / 2 / unit) * unit;
    await attempt({ from, until: middle });
    await attempt({ from: middle, until });
  }
  for (const stretch of stretches) await attempt(stretch);
}
