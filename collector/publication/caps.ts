import type { ClickHouseClient } from '@clickhouse/client';
import { CAPS, USAGE_NAMES } from '../../clickhouse/columns.ts';
import { OTHER } from '../../instrumentation/src/attributes.ts';
import { cappedRun, type Run } from './run.ts';

/** A published table: the column with the period of a cap, and how its times are aggregated. */
interface PublishedTable {
  readonly name: string;
  readonly period: string;
  readonly times: readonly string[];
  readonly sums: readonly string[];
  readonly groupedBy: string;
}

export const USAGE_MINUTES: PublishedTable = {
  name: 'usage_minutes',
  period: 'slot',
  times: ['minute'],
  sums: ['minute'],
  groupedBy: 'slot, minute',
};

export const USAGE_HOURS: PublishedTable = {
  name: 'usage_hours',
  period: 'hour',
  times: ['first_seen', 'last_seen'],
  sums: ['min(first_seen)', 'max(last_seen)'],
  groupedBy: 'hour',
};

/**
 * Caps the number of distinct origins, routes and header lists, which clients choose. If a service exceeds
 * a cap in a period, the run is aggregated again with only the top values named and the rest as `(other)`.
 * The result is deterministic: the input is settled and ties are broken by text.
 *
 * @param range SQL condition with parameters that restricts the table to the run's periods, so that the
 * index is used
 * @returns the run to mark: the given one when no cap is exceeded, else its capped form
 */
export async function capped(
  client: ClickHouseClient,
  table: PublishedTable,
  run: Run,
  range: { readonly sql: string; readonly parameters: Record<string, unknown> },
): Promise<Run> {
  const { name, period } = table;
  const rows = `${name} WHERE ${range.sql} AND run = {run:UInt64}`;
  const over = CAPS.map(
    ([dimension, top]) => `uniqExactIf(${dimension}, ${dimension} != '${OTHER}') > ${top}`,
  ).join(' OR ');
  const result = await client.query({
    query: `SELECT count() AS services FROM (SELECT service FROM ${rows} GROUP BY ${period}, service HAVING ${over})`,
    query_params: { ...range.parameters, run },
    format: 'JSONEachRow',
  });
  const [exceeded] = await result.json<{ services: number }>();
  if (exceeded?.services === 0) return run;

  const named = new Map<string, string>(
    CAPS.map(([dimension, top]) => [
      dimension,
      `if((${period}, service, ${dimension}) IN (
         SELECT ${period}, service, ${dimension} FROM ${rows} AND ${dimension} != '${OTHER}'
         GROUP BY ${period}, service, ${dimension} ORDER BY sum(decisions) DESC, ${dimension}
         LIMIT ${top} BY ${period}, service), ${dimension}, '${OTHER}')`,
    ]),
  );
  const dimensions = USAGE_NAMES.map((dimension) => named.get(dimension) ?? dimension).join(', ');
  const next = cappedRun(run);
  await client.command({
    query: `INSERT INTO ${name} (${period}, run, ${table.times.join(', ')}, ${USAGE_NAMES.join(', ')}, decisions, clients)
      SELECT ${period}, {next:UInt64}, ${table.sums.join(', ')}, ${dimensions}, sum(decisions), groupBitOr(clients)
      FROM ${rows}
      GROUP BY ${table.groupedBy}, ${dimensions}`,
    query_params: { ...range.parameters, run, next },
  });
  return next;
}
