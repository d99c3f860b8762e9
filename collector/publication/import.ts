import type { ClickHouseClient } from '@clickhouse/client';
import { names, REQUEST_COLUMNS, SPAN_COLUMNS } from '../../clickhouse/columns.ts';
import type { ClickHouseConnection } from '../../clickhouse/connector.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { type Dialect, syncReplicas } from '../../clickhouse/dialect.ts';
import { keptSince, RETENTION, type Retention } from '../../clickhouse/retention.ts';
import { insertStaged } from '../../clickhouse/rows.ts';
import { RUN_START } from '../../clickhouse/sql-text.ts';
import { isFrozen, MAX_AHEAD_MILLIS, seconds, slotOf } from '../../core/slots.ts';
import type { Writer } from '../ingest/writer.ts';
import { FINGERPRINT, type Publication, publishSlots, readWrites, type SlotWrites } from './publish-slots.ts';
import type { Publisher } from './publisher.ts';
import { takeRun } from './run.ts';

export interface ImportOptions {
  /** `ClickHouse.publishing`. */
  readonly client: ClickHouseConnection;
  readonly writer: Writer;
  readonly publisher: Publisher;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly retention?: Retention;
  /**
   * How to handle frozen slots with other spans: keep them (default), replace them unless they would
   * contain fewer spans, or always replace them.
   */
  readonly conflicts?: 'keep' | 'replace' | 'shrink';
}

/** The counts of a slot before and after an actual or possible replacement. */
export interface SlotChange {
  /** Start, epoch milliseconds. */
  readonly slot: number;
  readonly before: SlotCounts;
  readonly after: SlotCounts;
}

export interface SlotCounts {
  readonly spans: number;
  readonly decisions: number;
}

/** The result of an import; slots are identified by their start in epoch milliseconds. */
export interface ImportResult {
  /** Spans of open slots, written like newly received ones. */
  readonly written: number;
  /** Frozen slots that were empty and now contain the file's spans. */
  readonly published: readonly number[];
  /** Frozen slots that contained exactly these spans already. */
  readonly unchanged: readonly number[];
  /** Frozen slots whose spans were replaced. */
  readonly replaced: readonly SlotChange[];
  /** Frozen slots with other spans, left unchanged. */
  readonly conflicting: readonly SlotChange[];
  /** Spans older than the retention of minutes. */
  readonly expired: number;
  /** Spans in the future. */
  readonly ahead: number;
  /** Spans that the writer rejected because their slot froze in the meantime. */
  readonly late: number;
}

export interface Import {
  /** Adds spans of any time. Bounded in memory: resolves when there is room for more. */
  add(spans: readonly DecisionSpan[]): Promise<void>;
  /** Publishes the added spans. Repeating the same import changes nothing. */
  finish(): Promise<ImportResult>;
}

const CHUNK = 20_000;

/**
 * Begins an import. Spans of frozen slots are staged first, because such a slot is published completely or
 * not at all; a crash leaves staged spans that nothing reads and that a later import removes.
 */
export async function beginImport(options: ImportOptions): Promise<Import> {
  const { client, writer, publisher, now, retention = RETENTION, conflicts = 'keep' } = options;
  const number = await takeRun(client);
  const { dialect } = publisher.publication;
  await dropAbandoned(client, dialect);
  // Decided once, otherwise a slot could be partly written and partly staged.
  const began = now();
  // Before the source is read, because it may not contain later writes.
  const writes = await readWrites(client, dialect);
  let open: DecisionSpan[] = [];
  let frozen: DecisionSpan[] = [];
  let written = 0;
  let expired = 0;
  let ahead = 0;
  let late = 0;

  async function add(spans: readonly DecisionSpan[]): Promise<void> {
    const latest = now() + MAX_AHEAD_MILLIS;
    const oldest = keptSince(retention, began);
    for (const span of spans) {
      const slot = slotOf(span.time);
      if (span.time > latest) ahead++;
      else if (!isFrozen(slot, began)) open.push(span);
      // Whole hours, otherwise the oldest would be published partially.
      else if (slot - (slot % 3_600_000) > oldest) frozen.push(span);
      else expired++;
    }
    if (open.length >= CHUNK) await writeOpen();
    if (frozen.length >= CHUNK) await stageFrozen();
  }

  async function writeOpen(): Promise<void> {
    const spans = open;
    open = [];
    const before = { ...writer.counters };
    await writer.write(spans, began);
    const rejected = {
      late: writer.counters.late - before.late,
      ahead: writer.counters.ahead - before.ahead,
    };
    late += rejected.late;
    ahead += rejected.ahead;
    written += spans.length - rejected.late - rejected.ahead;
  }

  async function stageFrozen(): Promise<void> {
    const spans = frozen;
    frozen = [];
    await client.insertRows(insertStaged(number, spans));
  }

  async function finish(): Promise<ImportResult> {
    if (open.length > 0) await writeOpen();
    if (frozen.length > 0) await stageFrozen();
    // Spans that had arrived before their slot froze come first.
    await publisher.tick();
    await syncReplicas(client, dialect, ['staged_spans', 'blocked_spans', 'published_slots']);
    const { fresh, unchanged, behind, differing } = await compare(client, number);
    const taken = differing.filter(
      ({ before, after }) =>
        conflicts === 'shrink' || (conflicts === 'replace' && after.spans >= before.spans),
    );
    // The source contains the late spans, so the slot is up to date.
    const confirmed = conflicts === 'keep' ? [] : behind;
    const marked = new Set<number>();
    for (const slots of groups([...fresh, ...confirmed, ...taken.map(({ slot }) => slot)], writes)) {
      await copyBlocked(publisher.publication, number, slots);
      await seal(publisher.publication, slots);
      const source = { table: 'staged_spans', import: number, writes } as const;
      const mayShrink = conflicts === 'shrink';
      const published = await publishSlots(publisher.publication, source, slots, { mayShrink });
      for (const slot of published.marked) marked.add(slot);
    }
    await publisher.tick();
    await dropStaged(client, dialect, number);
    return {
      written,
      published: fresh.filter((slot) => marked.has(slot)),
      unchanged,
      replaced: differing.filter(({ slot }) => marked.has(slot)),
      conflicting: differing.filter(({ slot }) => !marked.has(slot)),
      expired,
      ahead,
      late,
    };
  }

  return { add, finish };
}

interface Comparison {
  readonly fresh: readonly number[];
  readonly unchanged: readonly number[];
  /** The unchanged ones that received spans since they were published. */
  readonly behind: readonly number[];
  readonly differing: readonly SlotChange[];
}

async function compare(client: ClickHouseClient, number: string): Promise<Comparison> {
  const result = await client.query({
    // A slot that is written but cannot be published yet is not empty either.
    query: `SELECT toUnixTimestamp(slot) AS slot, spans_before > 0 OR written AND run = 0 AS known, behind,
        toUInt8(known AND imported = published) AS same,
        spans_before, decisions_before, spans_after, decisions_after
      FROM (
        SELECT toStartOfTenMinutes(minute) AS slot, ${FINGERPRINT} AS imported,
          count() AS spans_after, sum(decisions) AS decisions_after
        FROM staged_spans FINAL WHERE import = {number:UInt64} GROUP BY slot
      ) AS new
      LEFT JOIN (
        SELECT slot, argMax(fingerprint, run) AS published, argMax(spans, run) AS spans_before,
          argMax(decisions, run) AS decisions_before
        FROM published_slots GROUP BY slot
      ) AS old USING (slot)
      LEFT JOIN (SELECT slot, run, behind, true AS written FROM slot_states) AS states USING (slot)
      ORDER BY slot`,
    query_params: { number },
    format: 'JSONEachRow',
  });
  const slots = (await result.json<ComparedSlot>()).map((row) => ({
    ...row,
    slot: row.slot * 1000,
    before: { spans: row.spans_before, decisions: row.decisions_before },
    after: { spans: row.spans_after, decisions: row.decisions_after },
  }));
  const unchanged = slots.filter(({ known, same }) => known && same === 1);
  return {
    fresh: slots.filter(({ known }) => !known).map(({ slot }) => slot),
    unchanged: unchanged.map(({ slot }) => slot),
    behind: unchanged.filter(({ behind }) => behind === 1).map(({ slot }) => slot),
    differing: slots
      .filter(({ known, same }) => known && same === 0)
      .map(({ slot, before, after }) => ({ slot, before, after })),
  };
}

interface ComparedSlot {
  readonly slot: number;
  readonly known: number;
  readonly behind: number;
  readonly same: number;
  readonly spans_before: number;
  readonly decisions_before: number;
  readonly spans_after: number;
  readonly decisions_after: number;
}

/**
 * Replaces the blocked requests of the slots by those of the import: adds the imported ones, and turns
 * others into rows of 0 decisions. Runs before the slots are published, so that repeating the import
 * repairs a crash in between.
 */
async function copyBlocked(
  { client, dialect }: Publication,
  number: string,
  slots: readonly number[],
): Promise<void> {
  const columns = names([...SPAN_COLUMNS, ...REQUEST_COLUMNS]);
  const inSlots =
    "toStartOfTenMinutes(minute) IN (SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC'))";
  const imported = `FROM staged_spans FINAL WHERE import = {number:UInt64} AND verdict = 'blocked' AND ${inSlots}`;
  const query_params = { number, slots: slots.map(seconds) };
  await client.command({
    query: `INSERT INTO blocked_spans (${columns})
      SELECT * REPLACE (0 AS decisions) FROM (
        SELECT ${columns} FROM blocked_spans FINAL WHERE ${inSlots} AND decisions > 0
          AND (service, minute, span) ${dialect.global}NOT IN (SELECT service, minute, span ${imported}))`,
    query_params,
  });
  await client.command({
    query: `INSERT INTO blocked_spans (${columns}) SELECT ${columns} ${imported}`,
    query_params,
  });
}

/** From now on these slots are not published from their raw spans, which may lack imported ones. */
async function seal({ client, dialect }: Publication, slots: readonly number[]): Promise<void> {
  await client.command({
    query: `INSERT INTO sealed_slots SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC'), 2`,
    query_params: { slots: slots.map(seconds) },
  });
  await syncReplicas(client, dialect, ['sealed_slots']);
}

/** The maximum of write numbers in one statement: as a parameter they must fit a request. */
const MAX_WRITES = 2_000;

/**
 * Groups slots by day, so that an insert touches one partition and bounded memory, and into smaller groups
 * if many writers contributed.
 */
function groups(slots: readonly number[], writes: SlotWrites): number[][] {
  return [...Map.groupBy(slots, (slot) => Math.floor(slot / 86_400_000)).values()].flatMap((ofDay) => {
    const groups: number[][] = [[]];
    let sum = 0;
    for (const slot of ofDay) {
      sum += writes.get(slot)?.length ?? 0;
      if (sum > MAX_WRITES) {
        groups.push([]);
        sum = writes.get(slot)?.length ?? 0;
      }
      groups.at(-1)?.push(slot);
    }
    return groups.filter((group) => group.length > 0);
  });
}

/** Drops staged spans of imports that started more than a day ago and never finished. */
async function dropAbandoned(client: ClickHouseClient, dialect: Dialect): Promise<void> {
  const result = await client.query({
    query: `SELECT partition_id AS number FROM (
        SELECT DISTINCT partition_id, toUInt64(partition) AS run FROM ${dialect.system('parts')}
        WHERE database = (SELECT currentDatabase()) AND table = '${dialect.localTable('staged_spans')}' AND active)
      WHERE ${RUN_START} < now64(6, 'UTC') - toIntervalDay(1)`,
    format: 'JSONEachRow',
  });
  for (const { number } of await result.json<{ number: string }>()) {
    await dropStaged(client, dialect, number);
  }
}

async function dropStaged(client: ClickHouseClient, dialect: Dialect, number: string): Promise<void> {
  await client.command({
    query: `ALTER TABLE ${dialect.onShards('staged_spans')} DROP PARTITION ID {number:String}`,
    query_params: { number },
  });
}
