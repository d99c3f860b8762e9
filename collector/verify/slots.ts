import { SLOT_MILLIS } from '../../core/slots.ts';
import { FINGERPRINT } from '../publication/publish-slots.ts';
import type { VerifiedDatabase } from './database.ts';
import {
  boundsOf,
  readTimeRanges,
  type TimeRange,
  type TimeTable,
  timeRangesOf,
  within,
} from './time-ranges.ts';

export const SLOT_SECONDS = SLOT_MILLIS / 1_000;

/** The state of a slot according to the ledgers. 64-bit numbers that are only compared are strings. */
export interface SlotState {
  /** The newest marked run; 0 when there is none. */
  readonly run: string;
  readonly behind: boolean;
  readonly sealed: boolean;
  /** From the marker of the run. */
  readonly spans: number;
  readonly decisions: number;
  readonly fingerprint: string;
  /** An insert was completed before the run read the spans. */
  readonly hadSpans: boolean;
  /** Write numbers exist. */
  readonly numbered: boolean;
  /** An insert is in progress, or its process died during it. */
  readonly incomplete: boolean;
  /** Changes with every number that a writer assigns. */
  readonly numbers: string;
}

/** By start, epoch seconds. */
export async function slotStates({ select }: VerifiedDatabase): Promise<Map<number, SlotState>> {
  const rows = await select<SlotState & { start: number }>(
    `SELECT toUnixTimestamp(slot) AS start, toString(marked) AS run, behind = 1 AS behind, sealed = 1 AS sealed,
       spans, decisions, toString(fingerprint) AS fingerprint, had_spans AS hadSpans,
       numbered, incomplete, toString(newest_numbers) AS numbers
     FROM slot_states
     LEFT JOIN (
       SELECT slot, max(run) AS marked, argMax(spans, run) AS spans, argMax(decisions, run) AS decisions,
         argMax(fingerprint, run) AS fingerprint,
         arrayExists(known -> known.2 % 2 = 1, argMax(writes, run)) AS had_spans
       FROM published_slots GROUP BY slot) AS published USING (slot)
     LEFT JOIN (
       SELECT slot, true AS numbered, max(newest % 2 = 0) AS incomplete, groupBitXor(sipHash64(writer, newest)) AS newest_numbers
       FROM (SELECT slot, writer, max(sequence) AS newest FROM slot_writes GROUP BY slot, writer)
       GROUP BY slot) AS writes USING (slot)
     WHERE slot > toDateTime({kept:UInt32}, 'UTC') AND slot <= toDateTime({latest:UInt32}, 'UTC')`,
  );
  const flag = (value: unknown): boolean => value === true || value === 1;
  return new Map(
    rows.map((row) => [
      row.start,
      {
        ...row,
        behind: flag(row.behind),
        sealed: flag(row.sealed),
        hadSpans: flag(row.hadSpans),
        numbered: flag(row.numbered),
        incomplete: flag(row.incomplete),
      },
    ]),
  );
}

export interface Counts {
  readonly spans: number;
  readonly decisions: number;
  readonly fingerprint: string;
}

/** The rows of a run. */
export interface RunRows extends Counts {
  readonly rows: number;
}

/** The rows of a slot in all tables. */
export interface SlotRows {
  raw: Counts | undefined;
  /** Raw rows are among the retired ones. */
  retired: boolean;
  /** The number of blocked raw spans without a row in blocked_spans. */
  unrecordedBlocked: number;
  /** By run. */
  usage: Map<string, RunRows>;
  completeness: Map<string, RunRows>;
  /** Why a table cannot be read. */
  unreadable: Map<string, string>;
}

const RAW: TimeTable = { name: 'decision_spans', time: 'minute', unit: 600 };
const USAGE: TimeTable = { name: 'usage_minutes', time: 'minute', unit: 600 };
const COMPLETENESS: TimeTable = { name: 'completeness_slots', time: 'slot', unit: 600 };

/**
 * Reads the rows of slots.
 *
 * @param wanted starts in epoch seconds; undefined for all
 * @param onRead called for every range that was read, with the number of all ranges
 */
export async function slotRows(
  database: VerifiedDatabase,
  wanted: ReadonlySet<number> | undefined,
  onRead: (read: number, all: number) => void,
): Promise<Map<number, SlotRows>> {
  const { select, keptSince, latest } = database;
  const slots = new Map<number, SlotRows>();
  const slotAt = (start: number): SlotRows => {
    const known = slots.get(start) ?? {
      raw: undefined,
      retired: false,
      unrecordedBlocked: 0,
      usage: new Map(),
      completeness: new Map(),
      unreadable: new Map(),
    };
    slots.set(start, known);
    return known;
  };
  const isCompared = (start: number): boolean => start > keptSince && start <= latest;
  const readers: readonly [TimeTable, (range: TimeRange) => Promise<void>][] = [
    [
      RAW,
      async (range) => {
        const bounds = boundsOf(range);
        for (const { start, ...raw } of await select<Counts & { start: number }>(RAW_COUNTS, bounds)) {
          if (isCompared(start)) slotAt(start).raw = raw;
        }
        const query = unrecordedBlocked(database);
        for (const { start, spans } of await select<{ start: number; spans: number }>(query, bounds)) {
          if (isCompared(start)) slotAt(start).unrecordedBlocked = spans;
        }
      },
    ],
    [
      USAGE,
      async (range) => {
        for (const { start, run, ...rows } of await select<RunOfSlot>(USAGE_COUNTS, boundsOf(range))) {
          if (isCompared(start)) slotAt(start).usage.set(run, rows);
        }
      },
    ],
    [
      COMPLETENESS,
      async (range) => {
        for (const { start, run, ...rows } of await select<RunOfSlot>(COMPLETENESS_COUNTS, boundsOf(range))) {
          if (isCompared(start)) slotAt(start).completeness.set(run, rows);
        }
      },
    ],
  ];
  const parts: { table: TimeTable; range: TimeRange; read: (range: TimeRange) => Promise<void> }[] = [];
  for (const [table, read] of readers) {
    for (const range of await timeRangesOf(database, table)) {
      if (isTouched(range, wanted, database)) parts.push({ table, range, read });
    }
  }
  for (const [index, { table, range, read }] of parts.entries()) {
    await readTimeRanges(table, [range], read, (start, reason) => {
      if (isCompared(start)) slotAt(start).unreadable.set(table.name, reason);
    });
    onRead(index + 1, parts.length);
  }
  const retired = await select<{ start: number }>(
    'SELECT DISTINCT toUnixTimestamp(toStartOfTenMinutes(minute)) AS start FROM retired_spans',
  );
  for (const { start } of retired) if (isCompared(start)) slotAt(start).retired = true;
  return slots;
}

type RunOfSlot = RunRows & { start: number; run: string };

function isTouched(
  { from, until }: TimeRange,
  wanted: ReadonlySet<number> | undefined,
  { keptSince, latest }: VerifiedDatabase,
): boolean {
  if (until <= keptSince || from > latest) return false;
  return wanted === undefined || [...wanted].some((start) => start >= from && start < until);
}

const START = 'toUnixTimestamp(toStartOfTenMinutes(minute)) AS start';

const RAW_COUNTS = `SELECT start, spans, summed AS decisions, fingerprint
  FROM (SELECT ${START}, count() AS spans, sum(decisions) AS summed, toString(${FINGERPRINT}) AS fingerprint
    FROM decision_spans FINAL WHERE ${within(RAW)} GROUP BY start)`;

const USAGE_COUNTS = `SELECT ${START}, toString(run) AS run, count() AS rows, 0 AS spans, sum(decisions) AS decisions, '' AS fingerprint
  FROM usage_minutes AS usage WHERE ${within(USAGE)} GROUP BY start, usage.run`;

const COMPLETENESS_COUNTS = `SELECT toUnixTimestamp(slot) AS start, toString(run) AS run, count() AS rows,
    sum(completeness.spans) AS spans, sum(completeness.decisions) AS decisions, toString(groupBitXor(completeness.fingerprint)) AS fingerprint
  FROM completeness_slots AS completeness WHERE ${within(COMPLETENESS)} GROUP BY start, completeness.run`;

/** Of the same derivation, because rows of an older one may remain among the blocked ones. */
function unrecordedBlocked({ dialect }: VerifiedDatabase): string {
  return `SELECT ${START}, count() AS spans FROM decision_spans FINAL
    WHERE ${within(RAW)} AND verdict = 'blocked' AND decisions > 0
      AND (service, minute, span, derivation) ${dialect.global}NOT IN (
        SELECT service, minute, span, derivation FROM blocked_spans WHERE ${within(RAW)})
    GROUP BY start`;
}
