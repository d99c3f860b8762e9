import type { ClickHouseClient } from '@clickhouse/client';
import { type Dialect, singleServer } from '../../clickhouse/dialect.ts';
import { keptSince, RETENTION } from '../../clickhouse/retention.ts';
import { MAX_AHEAD_MILLIS, seconds } from '../../core/slots.ts';

/** The database that is verified. */
export interface VerifiedDatabase {
  readonly dialect: Dialect;
  /** Epoch seconds: slots and hours after are compared, because all their minutes are kept. */
  readonly keptSince: number;
  /** Epoch seconds: hours after are all kept. */
  readonly hoursKeptSince: number;
  /** Epoch seconds: nothing was written for later times, whatever the clocks say. */
  readonly latest: number;
  /** Parameters `kept`, `hours_kept` and `latest` are given with every question. @throws the signal's reason when it is aborted */
  ask<Row>(query: string, parameters?: Readonly<Record<string, unknown>>): Promise<Row[]>;
}

/** Clocks of senders and hosts may differ by so much before a time is called impossible. */
const CLOCK_MILLIS = 86_400_000;

/**
 * @param reading `ClickHouse.reading`
 * @param now epoch milliseconds
 */
export async function openVerified(
  reading: Pick<ClickHouseClient, 'query'>,
  options: { readonly now: number; readonly dialect?: Dialect; readonly signal?: AbortSignal },
): Promise<VerifiedDatabase> {
  const { now, dialect = singleServer, signal } = options;
  const ask = async <Row>(query: string, query_params: Readonly<Record<string, unknown>>): Promise<Row[]> => {
    signal?.throwIfAborted();
    return (await reading.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();
  };
  // As the tables say: who asks need not know the settings of who writes.
  const ttls = await ask<{ name: string; length: number }>(
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
    ask: (query, more = {}) => ask(query, { ...parameters, ...more }),
  };
}

function monthsBefore(time: number, months: number): number {
  const date = new Date(time);
  date.setUTCMonth(date.getUTCMonth() - months);
  return date.getTime();
}
