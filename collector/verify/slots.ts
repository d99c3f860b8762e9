import { SLOT_MILLIS } from '../../core/slots.ts';
import { FINGERPRINT } from '../publication/publish-slots.ts';
import type { VerifiedDatabase } from './database.ts';
import { boundsOf, readStretches, type Stretch, stretchesOf, type TableInTime, within } from './stretches.ts';

export const SLOT_SECONDS = SLOT_MILLIS / 1_000;

/** What the ledgers say of a slot. 64-bit numbers that are compared only are text. */
export interface SlotState {
  /** The newest marked run; 0 when there is none. */
  readonly run: string;
  readonly behind: boolean;
  readonly sealed: boolean;
  /** Of the run's marker. */
  readonly spans: number;
  readonly decisions: number;
  readonly fingerprint: string;
  /** An insert had ended before the run read the spans. */
  readonly hadSpans: boolean;
  /** Numbers of writes are known. */
  readonly numbered: boolean;
  /** An insert is under way, or its process died in the middle of it. */
  readonly unended: boolean;
  /** Changes with every number that a writer gives. */
  readonly numbers: string;
}

/** By start, epoch seconds. */
export async function slotStates({ ask }: VerifiedDatabase): Promise<Map<number, SlotState>> {
  const rows = await ask<SlotState & { start: number }>(
    `SELECT toUnixTimestamp(slot) AS start, toString(marked) AS run, behind = 1 AS behind, sealed = 1 AS sealed,
       spans, decisions, toString(fingerprint) AS fingerprint, had_spans AS hadSpans,
       numbered, unended, toString(newest_numbers) AS numbers
     FROM slot_states
     LEFT JOIN (
       SELECT slot, max(run) AS marked, argMax(spans, run) AS spans, argMax(decisions, run) AS decisions,
         argMax(fingerprint, run) AS fingerprint,
         arrayExists(known -> known.2 % 2 = 1, argMax(writes, run)) AS had_spans
       FROM published_slots GROUP BY slot) AS published USING (slot)
     LEFT JOIN (
       SELECT slot, true AS numbered, max(newest % 2 = 0) AS unended, groupBitXor(sipHash64(writer, newest)) AS newest_numbers
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
        unended: flag(row.unended),
      },
    ]),
  );
}

export interface Counts {
  readonly spans: number;
  readonly decisions: number;
  readonly fingerprint: string;
}

/** Rows of a run. */
export interface RunRows extends Counts {
  readonly rows: number;
}

/** What the tables hold of a slot. */
export interface SlotRows {
  raw: Counts | undefined;
  /** Raw rows lie among those of the days that are being dropped. */
  retired: boolean;
  /** Blocked raw spans that have no row among the blocked ones. */
  unrecordedBlocked: number;
  /** By run. */
  usage: Map<string, RunRows>;
  completeness: Map<string, RunRows>;
  /** Why a table cannot be read. */
  unreadable: Map<string, string>;
}

const RAW: TableInTime = { name: 'decision_spans', time: 'minute', unit: 600 };
const USAGE: TableInTime = { name: 'usage_minutes', time: 'minute', unit: 600 };
const COMPLETENESS: TableInTime = { name: 'completeness_slots', time: 'slot', unit: 600 };

/**
 * Reads what the tables hold of slots.
 *
 * @param wanted starts in epoch seconds; undefined for all
 * @param onRead told of every stretch that was read, and of how many there are
 */
export async function slotRows(
  database: VerifiedDatabase,
  wanted: ReadonlySet<number> | undefined,
  onRead: (read: number, all: number) => void,
): Promise<Map<number, SlotRows>> {
  const { ask, keptSince, latest } = database;
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
  const readers: readonly [TableInTime, (stretch: Stretch) => Promise<void>][] = [
    [
      RAW,
      async (stretch) => {
        const bounds = boundsOf(stretch);
        for (const { start, ...raw } of await ask<Counts & { start: number }>(RAW_COUNTS, bounds)) {
          if (isCompared(start)) slotAt(start).raw = raw;
        }
        const query = unrecordedBlocked(database);
        for (const { start, spans } of await ask<{ start: number; spans: number }>(query, bounds)) {
          if (isCompared(start)) slotAt(start).unrecordedBlocked = spans;
        }
      },
    ],
    [
      USAGE,
      async (stretch) => {
        for (const { start, run, ...rows } of await ask<RunOfSlot>(USAGE_COUNTS, boundsOf(stretch))) {
          if (isCompared(start)) slotAt(start).usage.set(run, rows);
        }
      },
    ],
    [
      COMPLETENESS,
      async (stretch) => {
        for (const { start, run, ...rows } of await ask<RunOfSlot>(COMPLETENESS_COUNTS, boundsOf(stretch))) {
          if (isCompared(start)) slotAt(start).completeness.set(run, rows);
        }
      },
    ],
  ];
  const parts: { table: TableInTime; stretch: Stretch; read: (stretch: Stretch) => Promise<void> }[] = [];
  for (const [table, read] of readers) {
    for (const stretch of await stretchesOf(database, table)) {
      if (isTouched(stretch, wanted, database)) parts.push({ table, stretch, read });
    }
  }
  for (const [index, { table, stretch, read }] of parts.entries()) {
    await readStretches(table, [stretch], read, (start, reason) => {
      if (isCompared(start)) slotAt(start).unreadable.set(table.name, reason);
    });
    onRead(index + 1, parts.length);
  }
  const retired = await ask<{ start: number }>(
    'SELECT DISTINCT toUnixTimestamp(toStartOfTenMinutes(minute)) AS start FROM retired_spans',
  );
  for (const { start } of retired) if (isCompared(start)) slotAt(start).retired = true;
  return slots;
}

type RunOfSlot = RunRows & { start: number; run: string };

function isTouched(
  { from, until }: Stretch,
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

/** Under the same derivation: what an older one left among the blocked rows is allowed. */
function unrecordedBlocked({ dialect }: VerifiedDatabase): string {
  return `SELECT ${START}, count() AS spans FROM decision_spans FINAL
    WHERE ${within(RAW)} AND verdict = 'blocked' AND decisions > 0
      AND (service, minute, span, derivation) ${dialect.global}NOT IN (
        SELECT service, minute, span, derivation FROM blocked_spans WHERE ${within(RAW)})
    GROUP BY start`;
}
