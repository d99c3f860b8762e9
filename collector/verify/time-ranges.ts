import { isEngineError } from '../../clickhouse/engine-errors.ts';
import { printableMessage } from '../../core/text.ts';
import type { VerifiedDatabase } from './database.ts';

/** A part of a table by time, in epoch seconds; `until` is exclusive. */
export interface TimeRange {
  readonly from: number;
  readonly until: number;
}

export interface TimeTable {
  readonly name: string;
  /** The column by which the table is partitioned. */
  readonly time: 'minute' | 'slot' | 'hour';
  /** Ranges are aligned to this unit, in seconds. */
  readonly unit: 600 | 3_600;
}

/** The number of rows per statement, so that memory and time stay within the limits of readers. */
const MAX_ROWS = 1_000_000;

const DAY = 86_400;

/** WHERE condition for a range of a table, with the parameters of `boundsOf`. */
export function within({ time }: TimeTable): string {
  return `${time} BETWEEN toDateTime({first:UInt32}, 'UTC') AND toDateTime({last:UInt32}, 'UTC')`;
}

/** Parameters for `within`; the last day of DateTime is incomplete. */
export function boundsOf({ from, until }: TimeRange): { readonly first: number; readonly last: number } {
  return { first: from, last: Math.min(until - 1, 2 ** 32 - 1) };
}

/** Ranges of a table with about a million rows each, or a single unit, in order of time. */
export async function timeRangesOf(database: VerifiedDatabase, table: TimeTable): Promise<TimeRange[]> {
  const { name, time, unit } = table;
  // The engine knows the count by partition, without reading rows.
  const days = await database.select<Counted>(
    `SELECT toUnixTimestamp(toDateTime(toDate(${time}, 'UTC'), 'UTC')) AS start, count() AS rows
     FROM ${name} GROUP BY toDate(${time}, 'UTC') AS day ORDER BY day`,
  );
  const parts: (TimeRange & Counted)[] = [];
  for (const day of days) {
    if (day.rows <= MAX_ROWS) {
      parts.push({ ...day, from: day.start, until: day.start + DAY });
      continue;
    }
    const units = await database.select<Counted>(
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

/** Merges small neighbours. */
function joined(parts: readonly (TimeRange & Counted)[]): TimeRange[] {
  const ranges: { from: number; until: number; rows: number }[] = [];
  for (const { from, until, rows } of parts) {
    const last = ranges.at(-1);
    if (last !== undefined && last.rows + rows <= MAX_ROWS) {
      last.until = until;
      last.rows += rows;
    } else ranges.push({ from, until, rows });
  }
  return ranges;
}

/**
 * Reads a table range by range. A range that cannot be read (a damaged part, too large for the limits of
 * readers) is halved until only the failing unit is passed to `unreadable`.
 */
export async function readTimeRanges(
  { unit }: TimeTable,
  ranges: readonly TimeRange[],
  read: (range: TimeRange) => Promise<void>,
  unreadable: (start: number, reason: string) => void,
): Promise<void> {
  async function attempt({ from, until }: TimeRange): Promise<void> {
    try {
      return await read({ from, until });
    } catch (error) {
      if (!isEngineError(error)) throw error;
      if (until - from <= unit) return unreadable(from, printableMessage(error));
    }
    const middle = from + Math.ceil((until - from) / 2 / unit) * unit;
    await attempt({ from, until: middle });
    await attempt({ from: middle, until });
  }
  for (const range of ranges) await attempt(range);
}
