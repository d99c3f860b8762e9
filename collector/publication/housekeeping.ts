import type { ClickHouseClient } from '@clickhouse/client';
import { agree } from '../../clickhouse/dialect.ts';
import { seconds } from '../../core/slots.ts';
import { byHour, publishEach } from './publish-each.ts';
import { FINGERPRINT, type Publication } from './publish-slots.ts';

/** Epoch milliseconds. */
export interface RetireOptions {
  /** Days that ended before are dropped. */
  readonly before: number;
  /** Slots before are not published any more. */
  readonly keptSince: number;
}

/**
 * Drops the days of raw spans that ended long ago, unless a slot of theirs waits to be published: a TTL would not
 * ask. A span may still come at any moment. So the slots are sealed, the day is put aside in one piece, and it is
 * dropped when every slot is published as it lies there. What comes later finds its slot sealed: it stays in
 * `decision_spans` and shows in the view `left_out`. A crash at any point is continued by the next call.
 */
export async function retireDays(publication: Publication, options: RetireOptions): Promise<void> {
  await settleRetired(publication, options);
  for (const day of await retirableDays(publication, options)) {
    await seal(
      publication,
      `SELECT DISTINCT slot, 1 FROM published_slots WHERE toDate(slot, 'UTC') = {date:Date}`,
      day,
    );
    await move(publication, day, 'decision_spans', 'retired_spans');
    await settleRetired(publication, options);
  }
}

interface Day {
  readonly partition: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

async function daysOf({ client, dialect }: Publication, table: RawTable): Promise<Day[]> {
  const result = await client.query({
    query: `SELECT DISTINCT partition_id AS partition, toString(toDate(parts.partition)) AS date
      FROM ${dialect.system('parts')} AS parts
      WHERE database = (SELECT currentDatabase()) AND table = '${dialect.holding(table)}' AND active ORDER BY date`,
    format: 'JSONEachRow',
  });
  return result.json<Day>();
}

async function retirableDays(publication: Publication, { before }: RetireOptions): Promise<Day[]> {
  const { client, dialect } = publication;
  await agree(client, dialect, ['slot_writes', 'published_slots']);
  const result = await client.query({
    query: `SELECT DISTINCT toString(toDate(slot, 'UTC')) AS date FROM slot_states
      WHERE run = 0 OR behind AND slot NOT IN (SELECT slot FROM sealed_slots GROUP BY slot HAVING max(stage) = 1)`,
    format: 'JSONEachRow',
  });
  const waiting = new Set((await result.json<{ date: string }>()).map(({ date }) => date));
  return (await daysOf(publication, 'decision_spans')).filter(
    ({ date }) => Date.parse(date) + 86_400_000 <= before && !waiting.has(date),
  );
}

/** Publishes what of the days that were put aside is not published yet, and drops those that are. */
async function settleRetired(publication: Publication, options: RetireOptions): Promise<void> {
  for (const day of await daysOf(publication, 'retired_spans')) {
    await seal(
      publication,
      `SELECT DISTINCT toStartOfTenMinutes(minute), 1 FROM retired_spans
        WHERE toDate(minute, 'UTC') = {date:Date}`,
      day,
    );
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (await settleDay(publication, day, options)) break;
    }
  }
}

/** After so many writes into a day while it was compared it is left to the next call. */
const MOST_ROUNDS = 5;

/** @returns whether it is done with, or cannot be for now */
async function settleDay(publication: Publication, day: Day, options: RetireOptions): Promise<boolean> {
  const numbers = await sumOfNumbers(publication, day);
  const { whole, late } = await unpublished(publication, day, options);
  for (const slots of byHour(whole)) {
    const { marked } = await publishEach(publication, { table: 'retired_spans' }, slots);
    if (marked.length < slots.length) return true;
  }
  // Another process put them aside after the day had been dropped. They are left out, where they can be seen.
  if (late.length > 0) {
    await move(publication, day, 'retired_spans', 'decision_spans');
    return true;
  }
  // What was written meanwhile may have been put aside after the comparison.
  if ((await sumOfNumbers(publication, day)) !== numbers) return false;
  await seal(
    publication,
    `SELECT DISTINCT slot, 2 FROM sealed_slots WHERE toDate(slot, 'UTC') = {date:Date}`,
    day,
  );
  await publication.client.command({
    query: `ALTER TABLE ${publication.dialect.onShards('retired_spans')} DROP PARTITION ID {partition:String}`,
    query_params: { partition: day.partition },
  });
  return true;
}

/** Grows with every write into the day's slots. */
async function sumOfNumbers({ client, dialect }: Publication, { date }: Day): Promise<string> {
  await agree(client, dialect, ['slot_writes']);
  const result = await client.query({
    query: `SELECT toString(sum(toUInt128(newest))) AS numbers FROM (
        SELECT max(sequence) AS newest FROM slot_writes WHERE toDate(slot, 'UTC') = {date:Date} GROUP BY slot, writer)`,
    query_params: { date },
    format: 'JSONEachRow',
  });
  return (await result.json<{ numbers: string }>())[0]?.numbers ?? '';
}

async function seal({ client, dialect }: Publication, slots: string, { date }: Day): Promise<void> {
  await client.command({ query: `INSERT INTO sealed_slots ${slots}`, query_params: { date } });
  await agree(client, dialect, ['sealed_slots']);
}

type RawTable = 'decision_spans' | 'retired_spans';

async function move(
  { client, dialect, pause }: Publication,
  day: Day,
  from: RawTable,
  to: RawTable,
): Promise<void> {
  // A replica moves what it has, and no reader is left whose query was planned before the rows were published.
  await agree(client, dialect, [from]);
  await pause();
  await client.command({
    query: `ALTER TABLE ${dialect.onShards(from)} MOVE PARTITION ID {partition:String} TO TABLE ${dialect.holding(to)}`,
    query_params: { partition: day.partition },
  });
}

/** Slots of a day that was put aside which hold something else there than what is published. */
interface Unpublished {
  /** Their rows were put aside whole. */
  readonly whole: readonly number[];
  /** The slots had been dropped before, or were imported: these are only the rows that came later. */
  readonly late: readonly number[];
}

async function unpublished(
  { client, dialect }: Publication,
  { date }: Day,
  { keptSince }: RetireOptions,
): Promise<Unpublished> {
  await agree(client, dialect, ['retired_spans', 'published_slots']);
  const result = await client.query({
    query: `SELECT toUnixTimestamp(slot) AS slot, is_dropped, behind
      FROM (
        SELECT toStartOfTenMinutes(minute) AS slot, ${FINGERPRINT} AS held,
          slot IN (SELECT slot FROM sealed_slots WHERE stage = 2) AS is_dropped
        FROM retired_spans FINAL WHERE toDate(minute, 'UTC') = {date:Date} GROUP BY slot) AS retired
      LEFT JOIN (
        SELECT slot, argMax(fingerprint, run) AS fingerprint, true AS known FROM published_slots GROUP BY slot
      ) AS published USING (slot)
      LEFT JOIN (SELECT slot, behind FROM slot_states) AS states USING (slot)
      WHERE (NOT known OR held != fingerprint) AND slot > toDateTime({keptSince:UInt32}, 'UTC')
      ORDER BY slot`,
    query_params: { date, keptSince: seconds(keptSince) },
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ slot: number; is_dropped: number; behind: number }>();
  const starts = (some: typeof rows) => some.map(({ slot }) => slot * 1000);
  return {
    whole: starts(rows.filter(({ is_dropped }) => is_dropped === 0)),
    late: starts(rows.filter(({ is_dropped, behind }) => is_dropped === 1 && behind === 1)),
  };
}

/** Runs of a period that one statement names: what it says has to fit a request. */
const MOST_AT_ONCE = 500;

/** Tables of a run, with the ledger that says which run of a period is the newest. */
const PUBLISHED = [
  { ledger: 'published_slots', period: 'slot', tables: ['usage_minutes', 'completeness_slots'] },
  { ledger: 'published_hours', period: 'hour', tables: ['usage_hours', 'completeness_hours'] },
] as const;

/**
 * Removes runs that are older than the newest marked one of their period, and their markers. Whoever still works
 * under one of these numbers works for nothing: a marker of it would not be read either.
 */
export async function removeSuperseded({ client, dialect, pause }: Publication): Promise<void> {
  for (const { ledger, period, tables } of PUBLISHED) {
    for (const table of [...tables, ledger]) {
      let found: { start: number; number: string }[];
      do {
        found = await superseded(client, { ledger, period, table });
        if (found.length === 0) break;
        // Every reader has to know the run that took their place, and those that were planned before to have begun.
        await agree(client, dialect, [ledger]);
        await pause();
        // By value: a replicated table takes no subquery here, which each replica would answer for itself.
        await client.command({
          query: `DELETE FROM ${table}
            WHERE (toUnixTimestamp(${period}), run) IN arrayZip({starts:Array(UInt32)}, {runs:Array(UInt64)})`,
          query_params: {
            starts: found.map(({ start }) => start),
            runs: found.map(({ number }) => BigInt(number)),
          },
        });
      } while (found.length === MOST_AT_ONCE);
    }
  }
}

async function superseded(
  client: ClickHouseClient,
  { ledger, period, table }: { readonly ledger: string; readonly period: string; readonly table: string },
): Promise<{ start: number; number: string }[]> {
  const result = await client.query({
    query: `SELECT start, toString(run) AS number FROM (
        SELECT DISTINCT toUnixTimestamp(${period}) AS start, run FROM ${table} AS rows
        LEFT JOIN (SELECT ${period}, max(run) AS newest FROM ${ledger} GROUP BY ${period}) AS marked USING (${period})
        WHERE run < newest)
      ORDER BY start, run LIMIT ${MOST_AT_ONCE}`,
    format: 'JSONEachRow',
  });
  return result.json();
}
