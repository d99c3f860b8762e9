import type { ClickHouseClient } from '@clickhouse/client';
import { DIMENSION_NAMES, names, outermost, SPAN_COLUMNS, USAGE_NAMES } from '../../clickhouse/columns.ts';
import { type Dialect, syncReplicas } from '../../clickhouse/dialect.ts';
import { SLOT_MILLIS, seconds } from '../../core/slots.ts';
import { capped, USAGE_MINUTES } from './caps.ts';
import { takeRun } from './run.ts';

export interface Publication {
  /** `ClickHouse.publishing`. */
  readonly client: ClickHouseClient;
  readonly dialect: Dialect;
  /**
   * Waits between writing the rows of a run and its marker, until queries planned before the rows have
   * ended: they would look for a run that they cannot see.
   */
  pause(): Promise<void>;
}

/**
 * The source of the spans: live ones, those of retired days, or those of an import by its number, with the
 * writes (see `readWrites`) that its slots had before its source was read.
 */
export type SpanSource =
  | { readonly table: 'decision_spans' | 'retired_spans' }
  | { readonly table: 'staged_spans'; readonly import: string; readonly writes: SlotWrites };

/** For each slot (epoch milliseconds), the newest known number of each writer, both as decimal text. */
export type SlotWrites = ReadonlyMap<number, readonly (readonly [writer: string, sequence: string])[]>;

/** A 64-bit checksum of a slot's contents, independent of the order of its rows. */
export const FINGERPRINT = 'groupBitXor(sipHash64(service, minute, span, derivation, decisions))';

export interface PublishOptions {
  /** Allows a slot to have fewer spans than before. */
  readonly mayShrink?: boolean;
  /**
   * The number of statements per minute, split by origin; default: all minutes in one statement. For slots
   * that exceed the memory limit of a statement.
   */
  readonly piecesOfMinute?: number;
}

/** Starts of slots, epoch milliseconds; slots in neither list changed in the meantime and are due again. */
export interface SlotsPublished {
  readonly marked: readonly number[];
  /** Unchanged, because they would have fewer spans: not all of them were read. */
  readonly shrunk: readonly number[];
}

interface Range {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * Publishes closed slots from their spans: aggregates them once into rows of a new run, then marks the run.
 * A crash before the marker leaves rows that nothing reads.
 *
 * @param slots epoch milliseconds, all of one day
 */
export async function publishSlots(
  publication: Publication,
  source: SpanSource,
  slots: readonly number[],
  { mayShrink = false, piecesOfMinute }: PublishOptions = {},
): Promise<SlotsPublished> {
  const { client, dialect, pause } = publication;
  const run = await takeRun(client);
  const writes = await writesBefore(publication, source, slots);
  await syncReplicas(client, dialect, [source.table, 'blocked_spans']);
  const range: Range = {
    sql: `minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({until:UInt32}, 'UTC')
      AND toStartOfTenMinutes(minute) IN (SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC'))`,
    parameters: {
      from: seconds(Math.min(...slots)),
      until: seconds(Math.max(...slots) + SLOT_MILLIS),
      slots: slots.map(seconds),
      ...(source.table === 'staged_spans' ? { import: source.import } : {}),
    },
  };
  const pieces = (ofMinute: number) => (piecesOfMinute === undefined ? [WHOLE] : cut(slots, ofMinute));

  for (const piece of pieces(piecesOfMinute ?? 1)) await sumUsage(publication, source, range, piece, run);
  if (source.table === 'decision_spans') {
    for (const piece of pieces(1)) await unblock(publication, range, piece);
  }
  await syncReplicas(client, dialect, ['usage_minutes']);
  const marked = await capped(client, USAGE_MINUTES, run, range);
  await countSpans(publication, source, range, marked);
  await syncReplicas(client, dialect, ['usage_minutes', 'completeness_slots', 'sealed_slots']);
  await pause();
  return await mark(publication, { slots, run: marked, range, writes, source, mayShrink });
}

/** A part of the range: SQL condition on minute and origin with parameters. */
type Piece = Range;

const WHOLE: Piece = { sql: 'true', parameters: {} };

/**
 * Splits the slots so that each row is in exactly one piece, together with the rows that it is aggregated
 * with.
 */
function cut(slots: readonly number[], piecesOfMinute: number): Piece[] {
  return slots.flatMap((slot) =>
    Array.from({ length: (SLOT_MILLIS / 60_000) * piecesOfMinute }, (_, index) => ({
      sql: `minute = toDateTime({minute:UInt32}, 'UTC') AND sipHash64(origin) % ${piecesOfMinute} = {piece:UInt32}`,
      parameters: {
        minute: seconds(slot) + 60 * Math.floor(index / piecesOfMinute),
        piece: index % piecesOfMinute,
      },
    })),
  );
}

/** FROM and WHERE clauses for the spans. */
function spansOf({ table }: SpanSource, { sql }: Range): string {
  return table === 'staged_spans'
    ? `staged_spans FINAL WHERE import = {import:UInt64} AND ${sql}`
    : `${table} FINAL WHERE ${sql}`;
}

async function sumUsage(
  { client, dialect }: Publication,
  source: SpanSource,
  range: Range,
  piece: Piece,
  run: string,
): Promise<void> {
  const dimensions = USAGE_NAMES.join(', ');
  const spans = spansOf(source, range);
  await client.command({
    query: `INSERT INTO usage_minutes (slot, run, minute, ${dimensions}, decisions, clients)
      SELECT toStartOfTenMinutes(minute), {run:UInt64}, minute, ${DIMENSION_NAMES.join(', ')},
        ${outermost(dialect, spans)}, sum(decisions), groupBitOr(clients)
      FROM ${spans} AND decisions > 0 AND ${piece.sql}
      GROUP BY minute, ${dimensions}`,
    query_params: { ...range.parameters, ...piece.parameters, run },
  });
}

async function countSpans(
  { client }: Publication,
  source: SpanSource,
  range: Range,
  run: string,
): Promise<void> {
  await client.command({
    query: `INSERT INTO completeness_slots
        (slot, run, service, instance, spans, decisions, fingerprint, received, total)
      SELECT toStartOfTenMinutes(minute) AS slot, {run:UInt64}, service, instance,
        count(), sum(decisions), ${FINGERPRINT},
        sumIf(decisions, source = 'instrumented' AND total > 0), maxIf(total, source = 'instrumented')
      FROM ${spansOf(source, range)}
      GROUP BY slot, service, instance`,
    query_params: { ...range.parameters, run },
  });
}

/** The write numbers up to which this publication certainly contains all rows. */
async function writesBefore(
  { client, dialect }: Publication,
  source: SpanSource,
  slots: readonly number[],
): Promise<SlotWrites> {
  if (source.table === 'staged_spans') return source.writes;
  if (source.table === 'decision_spans') return await readWrites(client, dialect, slots);
  // When the day was retired is not known any more; the previous publication is a lower bound.
  return await readPublishedWrites(client, slots);
}

/**
 * Reads the newest number of each writer in each slot. Must run before the spans are read: rows that were
 * inserted before a number was assigned are found, so a run that records these numbers documents which
 * writes it may lack.
 */
export async function readWrites(
  client: ClickHouseClient,
  dialect: Dialect,
  slots?: readonly number[],
): Promise<SlotWrites> {
  await syncReplicas(client, dialect, ['slot_writes']);
  const result = await client.query({
    query: `SELECT toUnixTimestamp(slot) AS slot, groupArray((toString(writer), toString(newest))) AS writes
      FROM (SELECT slot, writer, max(sequence) AS newest FROM slot_writes
        ${slots === undefined ? '' : `WHERE slot IN ${ASKED}`} GROUP BY slot, writer)
      GROUP BY slot`,
    query_params: { slots: slots?.map(seconds) ?? [] },
    format: 'JSONEachRow',
  });
  return byMillis(await result.json());
}

async function readPublishedWrites(client: ClickHouseClient, slots: readonly number[]): Promise<SlotWrites> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(slot) AS slot,
        arrayMap(known -> (toString(known.1), toString(known.2)), argMax(writes, run)) AS writes
      FROM published_slots WHERE slot IN ${ASKED} GROUP BY slot`,
    query_params: { slots: slots.map(seconds) },
    format: 'JSONEachRow',
  });
  return byMillis(await result.json());
}

function byMillis(rows: readonly { slot: number; writes: [string, string][] }[]): SlotWrites {
  return new Map(rows.map(({ slot, writes }) => [slot * 1000, writes]));
}

const ASKED = `(SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC'))`;

interface Marking {
  readonly slots: readonly number[];
  readonly run: string;
  readonly range: Range;
  readonly writes: SlotWrites;
  readonly source: SpanSource;
  readonly mayShrink: boolean;
}

/**
 * Marks slots, except those whose sum was executed twice, that would shrink, or whose newest run includes
 * writes that this one does not; and for live spans, those that were sealed in the meantime, unless they
 * were never published.
 */
async function mark(
  { client, dialect }: Publication,
  { slots, run, range, writes, source, mayShrink }: Marking,
): Promise<SlotsPublished> {
  const known = slots.flatMap((slot) =>
    (writes.get(slot) ?? []).map(([writer, sequence]) => [seconds(slot), BigInt(writer), BigInt(sequence)]),
  );
  const query_params = {
    ...range.parameters,
    run,
    mayShrink,
    fromLive: source.table === 'decision_spans',
    known_slots: known.map(([slot]) => slot),
    known_writers: known.map(([, writer]) => writer),
    known_sequences: known.map(([, , sequence]) => sequence),
  };
  await client.command({
    query: `INSERT INTO published_slots (slot, run, published_at, spans, decisions, fingerprint, writes)
      SELECT slot, {run:UInt64}, now64(6, 'UTC'), counted.spans, summed.decisions, counted.fingerprint, known.writes
      FROM (SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC') AS slot) AS asked
      LEFT JOIN (
        SELECT slot, sum(spans) AS spans, sum(decisions) AS decisions, groupBitXor(fingerprint) AS fingerprint,
          count() = uniqExact(service, instance) AS once
        FROM completeness_slots WHERE slot IN ${ASKED} AND run = {run:UInt64} GROUP BY slot
      ) AS counted USING (slot)
      LEFT JOIN (
        SELECT slot, sum(decisions) AS decisions
        FROM usage_minutes WHERE ${range.sql} AND run = {run:UInt64} GROUP BY slot
      ) AS summed USING (slot)
      LEFT JOIN (
        SELECT toDateTime(write.1, 'UTC') AS slot, groupArray((write.2, write.3)) AS writes
        FROM (SELECT arrayJoin(arrayZip({known_slots:Array(UInt32)}, {known_writers:Array(UInt64)},
          {known_sequences:Array(UInt64)})) AS write) GROUP BY slot
      ) AS known USING (slot)
      LEFT JOIN (
        SELECT slot, max(spans) AS most, argMax(writes, run) AS writes, true AS published
        FROM published_slots WHERE slot IN ${ASKED} GROUP BY slot
      ) AS before USING (slot)
      WHERE (counted.spans >= before.most OR {mayShrink:Bool})
        AND summed.decisions <= counted.decisions AND (counted.once OR counted.spans = 0)
        AND arrayAll(newest -> arrayExists(ours -> ours.1 = newest.1 AND ours.2 >= newest.2, known.writes), before.writes)
        AND NOT ({fromLive:Bool} AND before.published AND slot IN (SELECT slot FROM sealed_slots))`,
    query_params,
  });
  await syncReplicas(client, dialect, ['published_slots']);
  const result = await client.query({
    query: `SELECT toUnixTimestamp(slot) AS slot, is_marked, most > spans AS is_shrunk
      FROM (SELECT slot, max(run = {run:UInt64}) AS is_marked, max(spans) AS most
        FROM published_slots WHERE slot IN ${ASKED} GROUP BY slot) AS published
      LEFT JOIN (SELECT slot, sum(spans) AS spans
        FROM completeness_slots WHERE slot IN ${ASKED} AND run = {run:UInt64} GROUP BY slot) AS counted USING (slot)
      ORDER BY slot`,
    query_params,
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ slot: number; is_marked: number; is_shrunk: number }>();
  const starts = (some: typeof rows) => some.map(({ slot }) => slot * 1000);
  return {
    marked: starts(rows.filter(({ is_marked }) => is_marked === 1)),
    shrunk: starts(rows.filter(({ is_marked, is_shrunk }) => is_marked === 0 && is_shrunk === 1)),
  };
}

/**
 * A span that is not blocked any more under a newer rule set still has its old row among the blocked ones,
 * because the writer does not check for it. The row is replaced here, once the slot has settled.
 */
async function unblock({ client, dialect }: Publication, range: Range, piece: Piece): Promise<void> {
  const columns = names(SPAN_COLUMNS);
  await client.command({
    query: `INSERT INTO blocked_spans (${columns})
      SELECT ${columns} FROM decision_spans FINAL
      WHERE ${range.sql} AND ${piece.sql} AND verdict != 'blocked' AND (service, minute, span) ${dialect.global}IN (
        SELECT service, minute, span FROM blocked_spans WHERE ${range.sql} AND verdict = 'blocked'
          AND derivation < (SELECT max(derivation) FROM decision_spans WHERE ${range.sql}))`,
    query_params: { ...range.parameters, ...piece.parameters },
  });
}
