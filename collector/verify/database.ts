import type { ClickHouseClient } from '@clickhouse/client';
import { type Dialect, singleServer } from '../../clickhouse/dialect.ts';
import { keptSince, RETENTION } from '../../clickhouse/retention.ts';
import { MAX_AHEAD_MILLIS, seconds } from '../../core/slots.ts';

/** The database to verify. */
export interface VerifiedDatabase {
  readonly dialect: Dialect;
  /** Epoch seconds: later slots and hours are compared, because all their minutes are retained. */
  readonly keptSince: number;
  /** Epoch seconds: all later hours are retained. */
  readonly hoursKeptSince: number;
  /** Epoch seconds: no valid row has a later time, allowing for clock skew. */
  readonly latest: number;
  /**
   * Runs a query. The parameters `kept`, `hours_kept` and `latest` are always bound. @throws the reason of
   * the signal when it is aborted
   */
  select<Row>(query: string, parameters?: Readonly<Record<string, unknown>>): Promise<Row[]>;
}

/** Tolerated clock skew of senders and hosts before a time is reported as impossible. */
const CLOCK_MILLIS = 86_400_000;

/**
 * @param reading `ClickHouse.reading`
 * @param now returns epoch milliseconds
 */
export async function openVerified(
  reading: Pick<ClickHouseClient, 'query'>,
  options: { readonly now: number; readonly dialect?: Dialect; readonly signal?: AbortSignal },
): Promise<VerifiedDatabase> {
  const { now, dialect = singleServer, signal } = options;
  const select = async <Row>(
    query: string,
    query_params: Readonly<Record<string, unknown>>,
  ): Promise<Row[]> => {
    signal?.throwIfAborted();
    return (await reading.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();
  };
  // From the tables, because this process may not know the settings of the writer.
  const ttls = await select<{ name: string; length: number }>(
    `SELECT name, toUInt32OrZero(extract(engine_full, 'TTL [a-z]+ [+] toInterval(?:Day|Month)[(]([0-9]+)')) AS length
     FROM system.tables WHERE database = currentDatabase() AND name IN ('usage_minutes', 'usage_hours')`,
    {},
  );
  const ttlOf = (table: string): number => ttls.find(({ name }) => name === table)?.length ?? 0;
  const bounds = {
    keptSince: seconds(
      keptSince({ ...RETENTION, minutesDays: ttlOf('usage_minutes') || RETENTION.minutesDays }, now),
    ),
    hoursKeptSince: seconds(monthsBefore(now, ttlOf('usage_hours') || RETENTION.hoursMonths) + 86_400_000),
    latest: seconds(now + MAX_AHEAD_MILLIS + CLOCK_MILLIS),
  };
  const parameters = { kept: bounds.keptSince, hours_kept: bounds.hoursKeptSince, latest: bounds.latest };
  return {
    dialect,
    ...bounds,
    select: (query, more = {}) => select(query, { ...parameters, ...more }),
  };
}

function monthsBefore(time: number, months: number): number {
  const date = new Date(time);
  date.setUTCMonth(date.getUTCMonth() - months);
  return date.getTime();
}
