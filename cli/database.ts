import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { type ClickHouse, type ClickHouseLocation, openClickHouse } from '../clickhouse/connection.ts';
import { type Control, takeDataDirectory } from '../clickhouse/data-directory.ts';
import { OriginscopeError } from '../core/errors.ts';
import { CLICKHOUSE_SETTINGS, serverOf } from './settings/locations.ts';
import type { SettingName, Settings } from './settings/table.ts';

/** Where a command's data are: the server of --clickhouse, else the embedded database of --data. */
export const DATABASE_SETTINGS = ['data', ...CLICKHOUSE_SETTINGS] as const satisfies SettingName[];

/** A place that this process may open: of a directory it has the lock. */
export interface Database {
  readonly location: ClickHouseLocation;
  /** As people know it. */
  readonly name: string;
  /** Tells other processes where to ask instead of opening the directory; a server they ask themselves. */
  announce(control: Control): void;
  release(): void;
}

/** How long another command that has the directory is waited for. */
const WAIT_MILLIS = 30_000;

/**
 * @param role what this process does: `up`, `report`, `import`
 * @throws OriginscopeError `DATA_DIRECTORY_IN_USE`, `DATA_DIRECTORY_UNUSABLE`, `CONFIG_UNREADABLE`
 */
export async function takeDatabase(settings: Settings, role: string): Promise<Database> {
  const server = serverOf(settings);
  if (server !== undefined) {
    const { host, pathname } = new URL(server.url);
    return { location: server, name: host + pathname, announce: () => undefined, release: () => undefined };
  }
  const directory = await takeDataDirectory(settings.data, role, {
    now: Date.now,
    waitMillis: WAIT_MILLIS,
  });
  return {
    location: { directory: directory.path },
    name: relative('', settings.data) || '.',
    announce: directory.announce,
    release: directory.release,
  };
}

/**
 * Opens ClickHouse for a command that ends; closing it gives the directory back.
 *
 * @param options.createDatabase for those who bring the schema; without, a directory has to be there
 * @throws OriginscopeError as `takeDatabase` and `openClickHouse`, and `SCHEMA_MISSING`
 */
export async function openDatabase(
  settings: Settings,
  role: string,
  options: { readonly createDatabase: boolean },
): Promise<ClickHouse> {
  if (settings.clickhouse === undefined && !options.createDatabase && !existsSync(settings.data)) {
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
        await clickhouse.close();
        database.release();
      },
    };
  } catch (error) {
    database.release();
    throw error;
  }
}
