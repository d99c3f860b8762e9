import { relative } from 'node:path';
import { type ClickHouse, openClickHouse } from '../clickhouse/connection.ts';
import { type Control, holderOf, takeDataDirectory } from '../clickhouse/data-directory.ts';
import type { ClickHouseLocation } from '../clickhouse/location.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import { holdsDatabase } from '../clickhouse/private-directory.ts';
import { OriginscopeError } from '../core/errors.ts';
import { CLICKHOUSE, EMBEDDED, serverOf } from './settings/clickhouse.ts';
import type { Settings } from './settings/table.ts';

/** A database that this process may open; it holds the lock of a directory. */
export interface Database {
  readonly location: ClickHouseLocation;
  /** For messages. */
  readonly name: string;
  /** For another command on the same data; the password is not among them. */
  readonly flags: readonly string[];
  /** Tells other processes where to ask instead of opening the directory. No effect for a server. */
  announce(control: Control): void;
  release(): void;
}

/** How long to wait for another command that holds the directory. */
const WAIT_MILLIS = 30_000;

/**
 * @param role what this process does: `up`, `report`, `import`
 * @throws OriginscopeError `DATA_DIRECTORY_IN_USE`, `DATA_DIRECTORY_UNUSABLE`, `CONFIG_UNREADABLE`
 */
export async function takeDatabase(settings: Settings, role: string): Promise<Database> {
  const server = serverOf(settings);
  if (server !== undefined) {
    const { host, pathname } = new URL(server.url);
    return {
      location: server,
      name: host + pathname,
      flags: [
        ...['--clickhouse', server.url],
        ...(settings.clickhouseUser === CLICKHOUSE.clickhouseUser.default
          ? []
          : ['--clickhouse-user', settings.clickhouseUser]),
      ],
      announce: () => undefined,
      release: () => undefined,
    };
  }
  const directory = await takeDataDirectory(settings.data, role, {
    now: Date.now,
    waitMillis: WAIT_MILLIS,
  });
  return {
    location: { directory: directory.path },
    name: relative('', settings.data) || '.',
    flags: settings.data === EMBEDDED.data.default ? [] : ['--data', settings.data],
    announce: directory.announce,
    release: directory.release,
  };
}

/**
 * Opens ClickHouse for a short-lived command; closing it releases the directory.
 *
 * @param options.createDatabase whether to create the database; otherwise the directory must exist
 * @throws OriginscopeError as `takeDatabase` and `openClickHouse`, and `SCHEMA_MISSING`
 */
export async function openDatabase(
  settings: Settings,
  role: string,
  options: { readonly createDatabase: boolean },
): Promise<ClickHouse> {
  if (settings.clickhouse === undefined && !options.createDatabase && !holdsDatabase(settings.data)) {
    throw new OriginscopeError('SCHEMA_MISSING', {
      place: settings.data,
      remedy: 'Start "originscope up", or say with --data or --clickhouse where the data is.',
    });
  }
  const database = await takeDatabase(settings, role);
  try {
    const clickhouse = await openClickHouse(database.location, options);
    return {
      ...clickhouse,
      async close() {
        try {
          await clickhouse.close();
        } finally {
          database.release();
        }
      },
    };
  } catch (error) {
    database.release();
    throw error;
  }
}

interface Asking<Result> {
  /** Asks the process that holds the directory. */
  readonly running: (control: Control) => Promise<Result>;
  readonly here: (clickhouse: ClickHouse) => Promise<Result>;
}

/** Where to ask the running process that holds the data directory; undefined when none does. */
export function runningControl({ clickhouse, data }: Settings): Control | undefined {
  return clickhouse === undefined ? holderOf(data)?.control : undefined;
}

/**
 * Asks the running process that holds the directory, or else the database itself.
 *
 * @throws OriginscopeError as `openDatabase` and `requireSchema`, and `CONTROL_FAILED`
 */
export async function askRunningOrHere<Result>(
  settings: Settings,
  role: string,
  { running, here }: Asking<Result>,
): Promise<Result> {
  const control = runningControl(settings);
  if (control !== undefined) return running(control);
  const clickhouse = await openDatabase(settings, role, { createDatabase: false });
  try {
    await requireSchema(clickhouse.reading, clickhouse);
    return await here(clickhouse);
  } finally {
    await clickhouse.close();
  }
}
