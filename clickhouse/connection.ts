import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import type { OriginscopeError } from '../core/errors.ts';
import { dialectOf } from './cluster.ts';
import type { Dialect } from './dialect.ts';
import { type EmbeddedLocation, embeddedConnector } from './embedded.ts';
import { type ServerLocation, serverConnector } from './over-http.ts';
import type { Insert } from './rows.ts';

/** Where the data live: a directory of the embedded engine, or a ClickHouse server. */
export type ClickHouseLocation = EmbeddedLocation | ServerLocation;

/** The client, and inserts of rows, which the embedded engine takes in a way of its own. */
export interface Inserting {
  /** Resolves when the rows are on disk. */
  insertRows(rows: Insert): Promise<void>;
}

export type ClickHouseConnection = ClickHouseClient & Inserting;

/**
 * One client for each kind of work, because a connection of the embedded engine runs one statement at a
 * time: a report or a publication on the writer's connection would hold up ingestion.
 */
export interface ClickHouse {
  /** Inserts of the writer, migrations. */
  readonly writing: ClickHouseConnection;
  /** Publications and imports: bounded in memory, spilling to disk. */
  readonly publishing: ClickHouseConnection;
  /** Everybody who asks: bounded in memory, time and rows. */
  readonly reading: ClickHouseConnection;
  /** How statements are put in this place. */
  readonly dialect: Dialect;
  /** The error of a statement in words of what a person can do about it, and whether another try can help. */
  unavailable(cause: unknown): OriginscopeError;
  close(): Promise<void>;
}

/** Opens connections to one place. */
export interface Connector extends Pick<ClickHouse, 'unavailable'> {
  /** @param patient whether statements may take minutes */
  connect(settings: ClickHouseSettings, patient: boolean): Promise<ClickHouseConnection>;
}

const GIB = 1024 ** 3;

/** 64-bit sums fit a JavaScript number in JSON; identities are selected with toString(). */
const COMMON: ClickHouseSettings = {
  // On by default in this release; an insert is acknowledged upstream, so it has to be on disk.
  async_insert: 0,
  // Rows are idempotent by key; a dropped block would only hide a publication.
  insert_deduplicate: 0,
  do_not_merge_across_partitions_select_final: 1,
  output_format_json_quote_64bit_integers: 0,
};

const WRITING: ClickHouseSettings = {
  ...COMMON,
  // Collapsing equal keys within one insert would cost as much as the sort and change nothing.
  optimize_on_insert: 0,
};

const PUBLISHING: ClickHouseSettings = {
  ...COMMON,
  max_memory_usage: String(2 * GIB),
  max_bytes_before_external_group_by: String(GIB / 2),
  max_bytes_before_external_sort: String(GIB / 2),
  // Deletes of superseded runs are done here when the statement returns; other replicas follow.
  lightweight_deletes_sync: '1',
};

/** What a reader sets: its profile in server/users.xml has to let it. */
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
 * Opens ClickHouse for this process. Of a directory the caller holds the lock (data-directory.ts): the engine
 * itself says only that it failed.
 *
 * @param options.createDatabase for those who bring the schema: a server's database that is missing is created
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
  const open = async (settings: ClickHouseSettings, patient = false): Promise<ClickHouseConnection> => {
    const connection = await connector.connect(settings, patient);
    opened.push(connection);
    return connection;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((client) => client.close()));
  };
  try {
    const reading = await open(READING);
    // A user who may not even set limits for what he asks is found out now.
    await reading.command({ query: 'SELECT 1' });
    return {
      writing: await open({ ...WRITING, ...dialect.settings }),
      publishing: await open({ ...PUBLISHING, ...dialect.settings }, true),
      reading,
      dialect,
      unavailable: connector.unavailable,
      close,
    };
  } catch (cause) {
    await close();
    throw connector.unavailable(cause);
  }
}
