import type { ClickHouseClient } from '@clickhouse/client';
import { DIMENSION_NAMES, names, outermost, SPAN_COLUMNS, USAGE_NAMES } from '../clickhouse/columns.ts';
import { agree, type Dialect } from '../clickhouse/dialect.ts';
import { SLOT_MILLIS, seconds } from '../clickhouse/slots.ts';
import { capped, USAGE_MINUTES } from './caps.ts';
import { takeRun } from './run.ts';

export interface Publication {
  /** `ClickHouse.publishing`. */
  readonly client: ClickHouseClient;
  readonly dialect: Dialect;
  /**
   * Waits between the rows of a run and its marker, until no reader is left whose query was planned before
   * the rows: it would look for a run that it cannot see.
   */
  pause(): Promise<void>;
}

/** Where spans are published from: the live ones, or those of an import by its number. */
export type SpanSource =
  | { readonly table: 'decision_spans' }
  | { readonly table: 'staged_spans'; readonly import: string };

/** What a slot holds, in 64 bits, however its rows arrived. */
export const FINGERPRINT = 'groupBitXor(sipHash64(service, minute, span, derivation, decisions))';

/** A publication that took longer is not marked: housekeeping may take it for the remains of a crash. */
const LONGEST_MINUTES = 30;

/**
 * Publishes closed slots from their spans: sums them once into rows of a new run, then marks the run. A
 * crash before the marker leaves rows that nobody reads.
 *
 * @param slots epoch milliseconds, all of one day
 * @returns the slots that were marked. A slot that would shrink is left alone, unless somebody consented:
 * spans do not go away, so this reading did not see all of them.
 */
export async function publishSlots(
  publication: Publication,
  source: SpanSource,
  slots: readonly number[],
  { mayShrink = false } = {},
): Promise<number[]> {
  const { client, dialect, pause } = publication;
  const run = await takeRun(client);
  await agree(client, dialect, [source.table, 'blocked_spans']);
  const range = {
    sql: `minute >= toDateTime({from:UInt32}, 'UTC') AND minute < toDateTime({until:UInt32}, 'UTC')
      AND toStartOfTenMinutes(minute) IN (SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC'))`,
    parameters: {
      from: seconds(Math.min(...slots)),
      until: seconds(Math.max(...slots) + SLOT_MILLIS),
      slots: slots.map(seconds),
      ...(source.table === 'staged_spans' ? { import: source.import } : {}),
    },
  };
  const dimensions = USAGE_NAMES.join(', ');
  const spans =
    source.table === 'staged_spans'
      ? `staged_spans FINAL WHERE import = {import:UInt64} AND ${range.sql}`
      : `decision_spans FINAL WHERE ${range.sql}`;

  if (source.table === 'decision_spans') await unblock(publication, range);
  await client.command({
    query: `INSERT INTO usage_minutes (slot, run, minute, ${dimensions}, decisions, clients)
      SELECT toStartOfTenMinutes(minute), {run:UInt64}, minute, ${DIMENSION_NAMES.join(', ')},
        ${outermost(dialect, spans)}, sum(decisions), groupBitOr(clients)
      FROM ${spans} AND decisions > 0
      GROUP BY minute, ${dimensions}`,
    query_params: { ...range.parameters, run },
  });
  await agree(client, dialect, ['usage_minutes']);
  const marked = await capped(client, USAGE_MINUTES, run, range);
  await client.command({
    query: `INSERT INTO completeness_slots
        (slot, run, service, instance, spans, decisions, fingerprint, received, total)
      SELECT toStartOfTenMinutes(minute) AS slot, {run:UInt64}, service, instance,
        count(), sum(decisions), ${FINGERPRINT},
        sumIf(decisions, source = 'instrumented' AND total > 0), maxIf(total, source = 'instrumented')
      FROM ${spans}
      GROUP BY slot, service, instance`,
    query_params: { ...range.parameters, run: marked },
  });
  await agree(client, dialect, ['usage_minutes', 'completeness_slots']);
  await pause();
  return await mark(publication, slots, marked, mayShrink);
}

async function mark(
  { client, dialect }: Publication,
  slots: readonly number[],
  run: string,
  mayShrink: boolean,
): Promise<number[]> {
  const query_params = { slots: slots.map(seconds), run, mayShrink };
  const asked = `(SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC') AS slot)`;
  await client.command({
    query: `INSERT INTO published_slots (slot, run, published_at, spans, decisions, fingerprint)
      SELECT slot, {run:UInt64}, now64(6, 'UTC'), summed.spans, summed.decisions, summed.fingerprint
      FROM ${asked} AS asked
      LEFT JOIN (
        SELECT slot, sum(spans) AS spans, sum(decisions) AS decisions, groupBitXor(fingerprint) AS fingerprint
        FROM completeness_slots WHERE slot IN ${asked} AND run = {run:UInt64} GROUP BY slot
      ) AS summed USING (slot)
      LEFT JOIN (
        SELECT slot, max(spans) AS most FROM published_slots WHERE slot IN ${asked} GROUP BY slot
      ) AS before USING (slot)
      WHERE (summed.spans >= before.most OR {mayShrink:Bool})
        AND fromUnixTimestamp64Micro(toInt64(intDiv({run:UInt64}, 1024)), 'UTC')
          > now64(6, 'UTC') - toIntervalMinute(${LONGEST_MINUTES})`,
    query_params,
  });
  await agree(client, dialect, ['published_slots']);
  const result = await client.query({
    query: `SELECT toUnixTimestamp(slot) AS slot FROM published_slots
      WHERE slot IN ${asked} AND run = {run:UInt64} ORDER BY slot`,
    query_params,
    format: 'JSONEachRow',
  });
  return (await result.json<{ slot: number }>()).map(({ slot }) => slot * 1000);
}

/**
 * A span that a newer rule set no longer calls blocked keeps its old row among the blocked ones, because the
 * writer does not ask what was there. Its row is replaced here, once the slot has settled.
 */
async function unblock(
  { client, dialect }: Publication,
  range: { readonly sql: string; readonly parameters: Record<string, unknown> },
): Promise<void> {
  const columns = names(SPAN_COLUMNS);
  await client.command({
    query: `INSERT INTO blocked_spans (${columns})
      SELECT ${columns} FROM decision_spans FINAL
      WHERE ${range.sql} AND verdict != 'blocked' AND (service, minute, span) ${dialect.global}IN (
        SELECT service, minute, span FROM blocked_spans WHERE ${range.sql} AND verdict = 'blocked'
          AND derivation < (SELECT max(derivation) FROM decision_spans WHERE ${range.sql}))`,
    query_params: range.parameters,
  });
}
