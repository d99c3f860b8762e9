import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { dialectOf } from './cluster.ts';
import type { ClickHouseConnection, Connector } from './connector.ts';
import type { Dialect } from './dialect.ts';
import { embeddedConnector } from './embedded.ts';
import type { ClickHouseLocation } from './location.ts';
import { serverConnector } from './over-http.ts';

/**
 * One client for each kind of work, because a connection of the embedded engine runs one statement at a
 * time: a report or a publication on the writer's connection would block ingestion.
 */
export interface ClickHouse {
  /** Inserts of the writer, migrations. */
  readonly writing: ClickHouseConnection;
  /** Publications and imports: bounded in memory, spilling to disk. */
  readonly publishing: ClickHouseConnection;
  /** All readers: bounded in memory, time and rows. */
  readonly reading: ClickHouseConnection;
  /** Opens another connection like `reading`, for one that reads for long; it is closed with the others. */
  openReader(): Promise<ClickHouseConnection>;
  /** The SQL dialect: single server or cluster. */
  readonly dialect: Dialect;
  readonly unavailable: Connector['unavailable'];
  close(): Promise<void>;
}

const GIB = 1024 ** 3;

/** 64-bit sums fit into a JavaScript number; identities are selected with toString(). */
const COMMON: ClickHouseSettings = {
  do_not_merge_across_partitions_select_final: 1,
  output_format_json_quote_64bit_integers: 0,
};

const INSERTING: ClickHouseSettings = {
  // On by default in this release. An acknowledged insert must be on disk.
  async_insert: 0,
  // Rows are idempotent by key; deduplication of blocks would only drop a publication.
  insert_deduplicate: 0,
};

const WRITING: ClickHouseSettings = {
  ...COMMON,
  ...INSERTING,
  // Collapsing equal keys within an insert would cost as much as the sort, for no benefit.
  optimize_on_insert: 0,
};

const PUBLISHING: ClickHouseSettings = {
  ...COMMON,
  ...INSERTING,
  max_memory_usage: String(2 * GIB),
  max_bytes_before_external_group_by: String(GIB / 2),
  max_bytes_before_external_sort: String(GIB / 2),
  // A delete of superseded runs is done on this replica when the statement returns; other replicas follow.
  lightweight_deletes_sync: '1',
};

/** Settings of readers; their profile in server/users.xml must allow them. */
export const READING: ClickHouseSettings = {
  ...COMMON,
  max_memory_usage: String(GIB),
  max_bytes_before_external_group_by: String(GIB / 4),
  max_bytes_before_external_sort: String(GIB / 4),
  max_execution_time: 30,
  max_result_rows: '1000000',
  result_overflow_mode: 'throw',
};

/**
 * Opens ClickHouse for this process. The caller holds the lock of a directory (data-directory.ts): the engine
 * itself would only say that it failed.
 *
 * @param options.createDatabase whether to create a missing database on a server
 * @throws OriginscopeError `ENGINE_MISSING`, `ENGINE_UNAVAILABLE`; of a server `CLICKHOUSE_URL_INVALID`,
 * `CLICKHOUSE_UNAVAILABLE`, `CLICKHOUSE_LOGIN_REFUSED`, `CLICKHOUSE_REFUSED`, `CLICKHOUSE_FAILED`, `CLICKHOUSE_TLS_FAILED`, `DATABASE_MISSING`
 */
export async function openClickHouse(
  location: ClickHouseLocation,
  options: { readonly createDatabase?: boolean } = {},
): Promise<ClickHouse> {
  const dialect = dialectOf(location);
  const connector =
    'url' in location ? await serverConnector(location, dialect, options) : await embeddedConnector(location);
  const opened: ClickHouseClient[] = [];
  const open = async (
    settings: ClickHouseSettings,
    mayTakeMinutes = false,
  ): Promise<ClickHouseConnection> => {
    const connection = await connector.connect(settings, mayTakeMinutes);
    opened.push(connection);
    return connection;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((client) => client.close()));
  };
  try {
    const reading = await open(READING);
    // Fails early for a user who is not allowed to set these limits.
    await reading.command({ query: 'SELECT 1' });
    return {
      writing: await open({ ...WRITING, ...dialect.settings }),
      publishing: await open({ ...PUBLISHING, ...dialect.settings }, true),
      reading,
      openReader: () => open(READING),
      dialect,
      unavailable: connector.unavailable,
      close,
    };
  } catch (cause) {
    await close();
    throw connector.unavailable(cause);
  }
}
