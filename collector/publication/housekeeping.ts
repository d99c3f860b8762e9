import type { ClickHouseClient } from '@clickhouse/client';
import { syncReplicas } from '../../clickhouse/dialect.ts';
import { seconds } from '../../core/slots.ts';
import { byHour, publishEach } from './publish-each.ts';
import { FINGERPRINT, type Publication } from './publish-slots.ts';

/** Epoch milliseconds. */
export interface RetireOptions {
  /** Days that ended before this time are dropped. */
  readonly before: number;
  /** Slots before this time are not published any more. */
  readonly keptSince: number;
}

/**
 * Drops old days of raw spans once all their slots are published, which a TTL cannot check. Spans may
 * arrive at any moment, so the slots are sealed, the day is moved to `retired_spans` atomically, and it is
 * dropped when every slot is published exactly as stored there. Spans that arrive later find their slot
 * sealed: they stay in `decision_spans` and appear in the view `left_out`. After a crash at any point the
 * next call continues.
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
      WHERE database = (SELECT currentDatabase()) AND table = '${dialect.localTable(table)}' AND active ORDER BY date`,
    format: 'JSONEachRow',
  });
  return result.json<Day>();
}

async function retirableDays(publication: Publication, { before }: RetireOptions): Promise<Day[]> {
  const { client, dialect } = publication;
  await syncReplicas(client, dialect, ['slot_writes', 'published_slots']);
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

/** Publishes slots of retired days that are not published yet, and drops the days that are. */
async function settleRetired(publication: Publication, options: RetireOptions): Promise<void> {
  for (const day of await daysOf(publication, 'retired_spans')) {
    await seal(
      publication,
      `SELECT DISTINCT toStartOfTenMinutes(minute), 1 FROM retired_spans
        WHERE toDate(minute, 'UTC') = {date:Date}`,
      day,
    );
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (await settleDay(publication, day, options)) break;
    }
  }
}

/** After this many concurrent writes to a day, it is left to the next call. */
const MAX_ROUNDS = 5;

/** @returns whether it is done, or cannot be done for now */
async function settleDay(publication: Publication, day: Day, options: RetireOptions): Promise<boolean> {
  const numbers = await sumOfNumbers(publication, day);
  const { whole, late } = await unpublished(publication, day, options);
  for (const slots of byHour(whole)) {
    const { marked } = await publishEach(publication, { table: 'retired_spans' }, slots);
    if (marked.length < slots.length) return true;
  }
  // Another process moved them after the day had been dropped. They are left out, and visible in the view.
  if (late.length > 0) {
    await move(publication, day, 'retired_spans', 'decision_spans');
    return true;
  }
  // Rows written in the meantime may have been moved after the comparison.
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

/** Increases with every write to the day's slots. */
async function sumOfNumbers({ client, dialect }: Publication, { date }: Day): Promise<string> {
  await syncReplicas(client, dialect, ['slot_writes']);
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
  await syncReplicas(client, dialect, ['sealed_slots']);
}

type RawTable = 'decision_spans' | 'retired_spans';

async function move(
  { client, dialect, pause }: Publication,
  day: Day,
  from: RawTable,
  to: RawTable,
): Promise<void> {
  // A replica moves the rows it has, and queries planned before the publication have ended.
  await syncReplicas(client, dialect, [from]);
  await pause();
  await client.command({
    query: `ALTER TABLE ${dialect.onShards(from)} MOVE PARTITION ID {partition:String} TO TABLE ${dialect.localTable(to)}`,
    query_params: { partition: day.partition },
  });
}

/** Slots of a retired day that contain other rows than were published. */
interface Unpublished {
  /** Slots whose rows are complete. */
  readonly whole: readonly number[];
  /** Slots that were dropped before, or imported: only their late rows are here. */
  readonly late: readonly number[];
}

async function unpublished(
  { client, dialect }: Publication,
  { date }: Day,
  { keptSince }: RetireOptions,
): Promise<Unpublished> {
  await syncReplicas(client, dialect, ['retired_spans', 'published_slots']);
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

/** The maximum of runs in one statement: its parameters must fit a request. */
const MAX_RUNS_PER_STATEMENT = 500;

/** The tables of a run, with the ledger that records the newest run of a period. */
const PUBLISHED = [
  { ledger: 'published_slots', period: 'slot', tables: ['usage_minutes', 'completeness_slots'] },
  { ledger: 'published_hours', period: 'hour', tables: ['usage_hours', 'completeness_hours'] },
] as const;

/**
 * Removes runs that are older than the newest marked one of their period, with their markers. A publisher
 * that is still writing one of them does no harm: its marker would not be read either.
 */
export async function removeSuperseded({ client, dialect, pause }: Publication): Promise<void> {
  for (const { ledger, period, tables } of PUBLISHED) {
    for (const table of [...tables, ledger]) {
      let found: { start: number; number: string }[];
      do {
        found = await superseded(client, { ledger, period, table });
        if (found.length === 0) break;
        // Wait until every replica knows the new run and queries planned before have started.
        await syncReplicas(client, dialect, [ledger]);
        await pause();
        // As values: a replicated table does not accept a subquery here, because each replica would
        // evaluate it separately.
        await client.command({
          query: `DELETE FROM ${table}
            WHERE (toUnixTimestamp(${period}), run) IN arrayZip({starts:Array(UInt32)}, {runs:Array(UInt64)})`,
          query_params: {
            starts: found.map(({ start }) => start),
            runs: found.map(({ number }) => BigInt(number)),
          },
        });
      } while (found.length === MAX_RUNS_PER_STATEMENT);
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
      ORDER BY start, run LIMIT ${MAX_RUNS_PER_STATEMENT}`,
    format: 'JSONEachRow',
  });
  return result.json();
}
