import type { ClickHouseClient } from '@clickhouse/client';
import { codeOf } from '../../core/errors.ts';
import type { CompletenessRow, UsageRow } from './usage-row.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Of one query: few queries where there is little, bounded memory where there is much. */
const WANTED_ROWS = 100_000;
const LONGEST_MILLIS = 12 * HOUR;
/** More rows than a reader may have at once. */
const TOO_MANY_ROWS = '396';

/** Columns of a row in the order in which they are read. */
const DIMENSIONS =
  'service, environment, version, route, kind, verdict, reason, detail, origin, method, requested_headers, credentials, allow_origin, allow_credentials, vary_origin, browser, status_code';

type Columns = [
  minute: number,
  service: string,
  environment: string,
  version: string,
  route: string,
  kind: string,
  verdict: string,
  reason: string,
  detail: string,
  origin: string,
  method: string,
  requestedHeaders: string,
  credentials: string,
  allowOrigin: string,
  allowCredentials: boolean,
  varyOrigin: boolean,
  browser: boolean,
  statusCode: number,
  decisions: number,
  clientsHigh: number,
  clientsLow: number,
];

/**
 * Each minute of a time with its rows, also those that have none; in an order that does not depend on how the rows are
 * stored. Times are epoch milliseconds of whole minutes, `until` is exclusive.
 *
 * @throws ClickHouseError
 */
export async function* readMinutes(
  client: ClickHouseClient,
  since: number,
  until: number,
): AsyncGenerator<{ readonly minute: number; readonly rows: readonly UsageRow[] }> {
  let step = HOUR;
  for (let from = since; from < until; ) {
    const to = Math.min(until, from + step);
    let rows: UsageRow[];
    try {
      rows = await readUsage(client, from, to);
    } catch (error) {
      if (codeOf(error) !== TOO_MANY_ROWS || step <= MINUTE) throw error;
      step = Math.max(MINUTE, Math.floor(step / 4 / MINUTE) * MINUTE);
      continue;
    }
    let at = 0;
    for (let minute = from; minute < to; minute += MINUTE) {
      const start = at;
      while (rows[at]?.minute === minute) at++;
      yield { minute, rows: rows.slice(start, at) };
    }
    const wanted = (step * WANTED_ROWS) / Math.max(rows.length, 1);
    step = Math.max(MINUTE, Math.floor(Math.min(wanted, 4 * step, LONGEST_MILLIS) / MINUTE) * MINUTE);
    from = to;
  }
}

async function readUsage(client: ClickHouseClient, since: number, until: number): Promise<UsageRow[]> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(minute), ${DIMENSIONS}, sum(usage.decisions),
        bitShiftRight(groupBitOr(usage.clients) AS bits, 32), bitAnd(bits, 4294967295)
      FROM origin_usage AS usage
      WHERE minute >= toDateTime({since:UInt32}, 'UTC') AND minute < toDateTime({until:UInt32}, 'UTC')
      GROUP BY minute, ${DIMENSIONS} ORDER BY minute, ${DIMENSIONS}`,
    query_params: { since: since / 1000, until: until / 1000 },
    format: 'JSONCompactEachRow',
  });
  return (await result.json<Columns>()).map(rowOf);
}

function rowOf(columns: Columns): UsageRow {
  const [seconds, service, environment, version, route, kind, verdict, reason, detail, origin, method] =
    columns;
  return {
    minute: seconds * 1000,
    service,
    environment,
    version,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requestedHeaders: columns[11],
    credentials: columns[12],
    allowOrigin: columns[13],
    allowCredentials: columns[14],
    varyOrigin: columns[15],
    browser: columns[16],
    statusCode: columns[17],
    decisions: columns[18],
    clientsHigh: columns[19],
    clientsLow: columns[20],
  };
}

/** Start of the first minute with decisions in a time, epoch milliseconds; undefined where there is none. */
export async function firstMinute(
  client: ClickHouseClient,
  since: number,
  until: number,
): Promise<number | undefined> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(min(hour)) AS first, count() AS hours FROM origin_usage_hourly
      WHERE hour >= toStartOfHour(toDateTime({since:UInt32}, 'UTC')) AND hour < toDateTime({until:UInt32}, 'UTC')`,
    query_params: { since: since / 1000, until: until / 1000 },
    format: 'JSONEachRow',
  });
  const [found] = await result.json<{ first: number; hours: number }>();
  if (found === undefined || found.hours === 0) return undefined;
  return Math.max(since, found.first * 1000);
}

/** Hours from `since` to `until`, epoch milliseconds. */
export async function readCompleteness(
  client: ClickHouseClient,
  since: number,
  until: number,
): Promise<CompletenessRow[]> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(hour) * 1000 AS hour, service, received, observed FROM completeness
      WHERE hour >= toDateTime({since:UInt32}, 'UTC') AND hour < toDateTime({until:UInt32}, 'UTC')
      ORDER BY hour, service`,
    query_params: { since: since / 1000, until: until / 1000 },
    format: 'JSONEachRow',
  });
  return result.json<CompletenessRow>();
}
