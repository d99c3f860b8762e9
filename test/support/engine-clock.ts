import type { ClickHouseConnection } from '../../clickhouse/connector.ts';

/**
 * A connection to an engine with a clock offset. It only affects statements sent here; what the engine does
 * by itself (TTLs) uses the real time.
 *
 * @param offset returns milliseconds, called for each statement
 */
export function withEngineClock(
  connection: ClickHouseConnection,
  offset: () => number,
): ClickHouseConnection {
  const shift = <Statement extends { readonly query: string }>(statement: Statement): Statement => ({
    ...statement,
    query: statement.query.replaceAll(
      "now64(6, 'UTC')",
      `(now64(6, 'UTC') + toIntervalMillisecond(${offset()}))`,
    ),
  });
  const shifted: Pick<ClickHouseConnection, 'command' | 'query' | 'insertRows'> = {
    command: (statement) => connection.command(shift(statement)),
    query: ((statement: Parameters<ClickHouseConnection['query']>[0]) =>
      connection.query(shift(statement))) as ClickHouseConnection['query'],
    insertRows: (rows) => connection.insertRows(rows),
  };
  return shifted as ClickHouseConnection;
}
