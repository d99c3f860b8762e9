import { CAPS, USAGE_NAMES } from '../../clickhouse/columns.ts';
import { isAbandoned, reportAbandoned } from './abandoned-runs.ts';
import type { VerifiedDatabase } from './database.ts';
import { type Comparison, type Difference, examine } from './examine.ts';
import {
  boundsOf,
  readTimeRanges,
  type TimeRange,
  type TimeTable,
  timeRangesOf,
  within,
} from './time-ranges.ts';
import { type Findings, many, timeText } from './verification.ts';
import type { Verifying } from './verify-slots.ts';

/** The state of a published hour according to the ledgers. */
interface HourState {
  /** The newest marked run, and the decisions of its marker. */
  readonly run: string;
  readonly decisions: number;
  /** Whether it was published from the newest runs of all its slots, and their minutes are all retained. */
  readonly current: boolean;
}

interface HourCounts {
  readonly decisions: number;
  readonly fingerprint: string;
}

interface HourRows {
  /** By run. */
  readonly usage: Map<string, HourCounts>;
  readonly completeness: Map<string, string>;
  /** Of the newest runs of its slots. */
  minutes: HourCounts | undefined;
  slots: string | undefined;
  unreadable: string | undefined;
}

const NO_COUNTS: HourCounts = { decisions: 0, fingerprint: '0' };

/**
 * Compares published hours with their markers and, while the minutes are retained, with the minutes.
 *
 * @param broken slots (epoch seconds) whose minutes differ: their hours are only compared with their markers
 */
export async function verifyHours(
  database: VerifiedDatabase,
  findings: Findings,
  broken: ReadonlySet<number>,
  { now, pause, onProgress }: Verifying,
): Promise<void> {
  const brokenHours = new Set([...broken].map((slot) => Math.floor(slot / 3_600) * 3_600));
  let first: ReadonlyMap<number, HourRows> | undefined;
  const { differences, changing, states } = await examine({
    states: () => hourStates(database),
    async measure(wanted: ReadonlySet<number> | undefined) {
      const rows = await hourRows(database, wanted, onProgress);
      first ??= rows;
      return rows;
    },
    compare: (start, { before, after }, rows) =>
      compareHour(start, before, after, rows, brokenHours.has(start)),
    pause,
  });
  findings.checked('usage_hours', states.size);
  findings.checked('markers', states.size);
  for (const [hour, ofHour] of differences) {
    for (const { check, sentence } of ofHour) findings.add(check, hour * 1_000, sentence);
  }
  if (changing.length > 0) {
    findings.inform(
      'changing',
      `${many(changing.length, 'hour')} kept changing while they were compared, the first of ${timeText(Math.min(...changing) * 1_000)}`,
    );
  }
  const runs = [...(first ?? [])].flatMap(([hour, { usage, completeness }]) =>
    [...usage.keys(), ...completeness.keys()].filter((run) => isAbandoned(run, states.get(hour)?.run, now)),
  );
  reportAbandoned(findings, runs, 'usage_hours and completeness_hours');
}

async function hourStates({ select }: VerifiedDatabase): Promise<Map<number, HourState>> {
  const rows = await select<HourState & { start: number }>(
    `SELECT toUnixTimestamp(hour) AS start, toString(newest) AS run, decisions,
       hour > toDateTime({kept:UInt32}, 'UTC') AND arraySort(made_of) = slot_runs AS current
     FROM (SELECT hour, max(run) AS newest, argMax(decisions, run) AS decisions, argMax(slot_runs, run) AS made_of
       FROM published_hours GROUP BY hour) AS published
     LEFT JOIN (
       SELECT toStartOfHour(slot) AS hour, arraySort(groupArray((slot, run))) AS slot_runs FROM slots GROUP BY hour
     ) AS now_made_of USING (hour)
     WHERE hour > toDateTime({hours_kept:UInt32}, 'UTC') AND hour <= toDateTime({latest:UInt32}, 'UTC')`,
  );
  return new Map(rows.map((row) => [row.start, { ...row, current: Boolean(row.current) }]));
}

function compareHour(
  start: number,
  before: HourState | undefined,
  after: HourState | undefined,
  rows: HourRows | undefined,
  isBroken: boolean,
): Comparison {
  if (before === undefined) return { differences: [], changing: false };
  const hour = `Hour ${timeText(start * 1_000)}`;
  const ofMarker = markerDifferences(hour, before, rows);
  const ofMinutes =
    before.current && !isBroken && ofMarker.length === 0 ? minuteDifferences(hour, before, rows) : [];
  const isSameRun = before.run === after?.run;
  const isUnchanged = isSameRun && after?.current === true;
  return {
    differences: [...(isSameRun ? ofMarker : []), ...(isUnchanged ? ofMinutes : [])],
    changing: (!isSameRun && ofMarker.length > 0) || (!isUnchanged && ofMinutes.length > 0),
  };
}

function markerDifferences(hour: string, state: HourState, rows: HourRows | undefined): Difference[] {
  if (rows?.unreadable !== undefined) {
    return [{ check: 'usage_hours', sentence: `${hour} cannot be read: ${rows.unreadable}` }];
  }
  const usage = rows?.usage.get(state.run);
  if (usage === undefined && state.decisions > 0) {
    const sentence = `${hour} is marked as published with ${many(state.decisions, 'decision')}, and its run ${state.run} has no rows in usage_hours`;
    return [{ check: 'markers', sentence: sentence }];
  }
  const { decisions } = usage ?? NO_COUNTS;
  if (decisions === state.decisions) return [];
  const sentence = `${hour}: usage_hours has ${many(decisions, 'decision')} of its run ${state.run}, its marker says ${state.decisions.toLocaleString('en')}`;
  return [{ check: 'usage_hours', sentence: sentence }];
}

function minuteDifferences(hour: string, { run }: HourState, rows: HourRows | undefined): Difference[] {
  const usage = rows?.usage.get(run) ?? NO_COUNTS;
  const minutes = rows?.minutes ?? NO_COUNTS;
  const differences: Difference[] = [];
  if (usage.decisions !== minutes.decisions) {
    differences.push({
      check: 'usage_hours',
      sentence: `${hour} has ${many(usage.decisions, 'decision')}, the minutes of its slots have ${minutes.decisions.toLocaleString('en')}`,
    });
  } else if (usage.fingerprint !== minutes.fingerprint) {
    differences.push({
      check: 'usage_hours',
      sentence: `${hour} has as many decisions as the minutes of its slots, but with other dimensions`,
    });
  }
  if ((rows?.completeness.get(run) ?? '0') !== (rows?.slots ?? '0')) {
    differences.push({
      check: 'usage_hours',
      sentence: `${hour}: completeness_hours is not the sum of completeness_slots`,
    });
  }
  return differences;
}

const HOURS: TimeTable = { name: 'usage_hours', time: 'hour', unit: 3_600 };
const COMPLETENESS_HOURS: TimeTable = { name: 'completeness_hours', time: 'hour', unit: 3_600 };
const MINUTES: TimeTable = { name: 'usage_minutes', time: 'minute', unit: 3_600 };
const SLOTS: TimeTable = { name: 'completeness_slots', time: 'slot', unit: 3_600 };

async function hourRows(
  database: VerifiedDatabase,
  wanted: ReadonlySet<number> | undefined,
  onProgress: (fraction: number) => void,
): Promise<Map<number, HourRows>> {
  const { select, keptSince } = database;
  const hours = new Map<number, HourRows>();
  const hourAt = (start: number): HourRows => {
    const known = hours.get(start) ?? {
      usage: new Map(),
      completeness: new Map(),
      minutes: undefined,
      slots: undefined,
      unreadable: undefined,
    };
    hours.set(start, known);
    return known;
  };
  interface Row extends HourCounts {
    readonly start: number;
    readonly run: string;
  }
  const tables: readonly [TimeTable, query: string, keep: (row: Row) => void][] = [
    [
      HOURS,
      usageCounts({ table: HOURS, hour: 'hour', run: 'run', seen: ['first_seen', 'last_seen'] }),
      ({ start, run, decisions, fingerprint }) => hourAt(start).usage.set(run, { decisions, fingerprint }),
    ],
    [
      COMPLETENESS_HOURS,
      completenessCounts({ table: COMPLETENESS_HOURS, hour: 'hour', run: 'run' }),
      ({ start, run, fingerprint }) => hourAt(start).completeness.set(run, fingerprint),
    ],
    [
      MINUTES,
      usageCounts({ table: MINUTES, hour: 'toStartOfHour(minute)', run: '0', seen: ['minute', 'minute'] }),
      ({ start, decisions, fingerprint }) => {
        hourAt(start).minutes = { decisions, fingerprint };
      },
    ],
    [
      SLOTS,
      completenessCounts({ table: SLOTS, hour: 'toStartOfHour(slot)', run: '0' }),
      ({ start, fingerprint }) => {
        hourAt(start).slots = fingerprint;
      },
    ],
  ];
  const parts: { table: TimeTable; range: TimeRange; query: string; keep: (row: Row) => void }[] = [];
  for (const [table, query, keep] of tables) {
    for (const range of await timeRangesOf(database, table)) {
      const { from, until } = range;
      if (table.time !== 'hour' && until <= keptSince) continue;
      if (wanted !== undefined && ![...wanted].some((hour) => hour >= from && hour < until)) continue;
      parts.push({ table, range, query, keep });
    }
  }
  for (const [index, { table, range, query, keep }] of parts.entries()) {
    await readTimeRanges(
      table,
      [range],
      async (one) => (await select<Row>(query, boundsOf(one))).forEach(keep),
      (start, reason) => {
        hourAt(start).unreadable = `${table.name}: ${reason}`;
      },
    );
    onProgress((index + 1) / parts.length);
  }
  return hours;
}

/** All dimensions except those that are capped per hour. */
const UNCAPPED = USAGE_NAMES.filter((name) => !CAPS.some(([capped]) => capped === name)).join(', ');

/** Restricts minutes and slots to their newest runs. */
const newestRuns = (run: string): string =>
  run === 'run' ? 'true' : '(slot, run) IN (SELECT slot, max(run) FROM published_slots GROUP BY slot)';

interface Summed {
  readonly table: TimeTable;
  /** SQL. */
  readonly hour: string;
  readonly run: 'run' | '0';
}

function usageCounts({
  table,
  hour,
  run,
  seen,
}: Summed & { readonly seen: readonly [string, string] }): string {
  return `SELECT toUnixTimestamp(start_of_hour) AS start, toString(of_run) AS run, sum(summed) AS decisions,
      toString(groupBitXor(sipHash64(${UNCAPPED}, summed, bitmap, first, last))) AS fingerprint
    FROM (
      SELECT ${hour} AS start_of_hour, ${run === 'run' ? 'run' : 'toUInt64(0)'} AS of_run, ${UNCAPPED},
        sum(decisions) AS summed, groupBitOr(clients) AS bitmap, min(${seen[0]}) AS first, max(${seen[1]}) AS last
      FROM ${table.name} WHERE ${within(table)} AND ${newestRuns(run)} GROUP BY start_of_hour, of_run, ${UNCAPPED})
    GROUP BY start_of_hour, of_run`;
}

function completenessCounts({ table, hour, run }: Summed): string {
  return `SELECT toUnixTimestamp(start_of_hour) AS start, toString(of_run) AS run, 0 AS decisions,
      toString(groupBitXor(sipHash64(service, instance, sum_received, max_total))) AS fingerprint
    FROM (
      SELECT ${hour} AS start_of_hour, ${run === 'run' ? 'run' : 'toUInt64(0)'} AS of_run, service, instance,
        sum(received) AS sum_received, max(total) AS max_total
      FROM ${table.name} WHERE ${within(table)} AND ${newestRuns(run)}
      GROUP BY start_of_hour, of_run, service, instance HAVING max_total > 0)
    GROUP BY start_of_hour, of_run`;
}
