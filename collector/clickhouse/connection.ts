import { availableParallelism } from 'node:os';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client';
import { OriginscopeError } from '../errors.ts';

/** Where the data lives: a directory of the embedded engine, or a ClickHouse server. */
export type ClickHouseLocation =
  | { readonly directory: string }
  | {
      /** With the database as its path. */
      readonly url: string;
      readonly username?: string;
      readonly password?: string;
      readonly timeoutMillis?: number;
      /** PEM, where the system does not know it. */
      readonly ca?: string | undefined;
      /** The cluster whose nodes hold the tables. */
      readonly cluster?: string | undefined;
    };

/**
 * One client for each kind of work, because a connection of the embedded engine runs one statement at a
 * time: a report or a publication on the writer's connection would hold up ingestion.
 */
export interface ClickHouse {
  /** Inserts of the writer, migrations. */
  readonly writing: ClickHouseClient;
  /** Publications: bounded in memory, spilling to disk. */
  readonly publishing: ClickHouseClient;
  /** Everybody who asks: bounded in memory, time and rows. */
  readonly reading: ClickHouseClient;
  close(): Promise<void>;
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
  // Deletes of superseded runs are done when the statement returns.
  lightweight_deletes_sync: '2',
};

const READING: ClickHouseSettings = {
  ...COMMON,
  max_memory_usage: String(GIB),
  max_bytes_before_external_group_by: String(GIB / 4),
  max_bytes_before_external_sort: String(GIB / 4),
  max_execution_time: 30,
  max_result_rows: '1000000',
  result_overflow_mode: 'throw',
};

/**
 * Opens ClickHouse for this process. The caller holds the directory's lock (data-directory.ts): the engine
 * itself says only that it failed.
 *
 * @throws OriginscopeError `ENGINE_MISSING`, `ENGINE_UNAVAILABLE`
 */
export async function openClickHouse(location: ClickHouseLocation): Promise<ClickHouse> {
  const connect = 'url' in location ? overHttp(location.url) : await embedded(location.directory);
  const opened: ClickHouseClient[] = [];
  const open = async (settings: ClickHouseSettings): Promise<ClickHouseClient> => {
    const client = await connect(settings);
    opened.push(client);
    return client;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((client) => client.close()));
  };
  try {
    return {
      writing: await open(WRITING),
      publishing: await open(PUBLISHING),
      reading: await open(READING),
      close,
    };
  } catch (cause) {
    await close();
    throw new OriginscopeError('ENGINE_UNAVAILABLE', `ClickHouse cannot be opened at ${name(location)}`, {
      cause,
      retryable: true,
      remedy:
        'url' in location
          ? 'Check that the server runs and that the URL, user and password are right.'
          : 'Check that no other process uses the directory and that this user may write it.',
    });
  }
}

type Connect = (settings: ClickHouseSettings) => Promise<ClickHouseClient>;

function overHttp(url: string): Connect {
  return async (settings) => {
    const client = createClient({ url, application: 'originscope', clickhouse_settings: settings });
    const ping = await client.ping();
    if (!ping.success) {
      await client.close();
      throw ping.error;
    }
    return client;
  };
}

async function embedded(directory: string): Promise<Connect> {
  const { createChdbConnection } = await loadEngine();
  return async (settings) => {
    const client = createClient({ connection: asConnection(createChdbConnection({ path: directory })) });
    // Left to itself, the embedded engine gives most queries one thread (measured: twice the time).
    // Given to the client, settings would be repeated before every statement; here SET lasts as long as
    // the connection, which is what these are for.
    for (const [setting, value] of Object.entries({ ...settings, max_threads: availableParallelism() })) {
      await client.command({
        query: `SET ${setting} = ${typeof value === 'number' ? value : `'${String(value)}'`}`,
      });
    }
    return client;
  };
}

/** The engine's types come from another release of the client's common part; its private fields differ. */
function asConnection(connection: unknown): ClickHouseClientConfigOptions['connection'] {
  return connection as ClickHouseClientConfigOptions['connection'];
}

async function loadEngine(): Promise<typeof import('chdb/connection')> {
  try {
    return await import('chdb/connection');
  } catch (cause) {
    throw new OriginscopeError('ENGINE_MISSING', 'The embedded ClickHouse engine is not installed', {
      cause,
      remedy:
        'Run npm install with optional dependencies on Linux (glibc) or macOS, or give the URL of a ClickHouse server.',
    });
  }
}

/** A location as a person may see it: without the password of a URL. */
function name(location: ClickHouseLocation): string {
  if ('directory' in location) return location.directory;
  try {
    const url = new URL(location.url);
    return `${url.protocol}//${url.host}${url.pathname}`;
  } catch {
    return 'the given URL';
  }
}
