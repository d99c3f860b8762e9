import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import { OriginscopeError } from '../core/errors.ts';
import type { Connector } from './connector.ts';
import type { EmbeddedLocation } from './location.ts';
import { type Insert, targetOf } from './rows.ts';
import { literal } from './sql-text.ts';

/** @throws OriginscopeError `ENGINE_MISSING`, `DATA_DIRECTORY_UNUSABLE` */
export async function embeddedConnector({ directory }: EmbeddedLocation): Promise<Connector> {
  const { createChdbConnection } = await loadEngine();
  // The engine creates its files with the umask of the process, now and at every merge.
  process.umask(0o077);
  const inserts = insertsOf(directory);
  return {
    async connect(settings) {
      const client = createClient({ connection: asConnection(createChdbConnection({ path: directory })) });
      // By default the embedded engine runs most queries on one thread (measured: twice the time).
      // The client would repeat its settings with every statement; SET lasts as long as the connection.
      for (const [setting, value] of Object.entries({ ...settings, max_threads: availableParallelism() })) {
        await client.command({
          query: `SET ${setting} = ${typeof value === 'number' ? value : `'${String(value)}'`}`,
        });
      }
      return Object.assign(client, { insertRows: (rows: Insert) => insertByFile(client, inserts, rows) });
    },
    unavailable: (cause) => new OriginscopeError('ENGINE_UNAVAILABLE', { directory, cause }),
  };
}

/**
 * Creates the directory of the blocks that the engine is about to read, and removes what a killed process left
 * there. This process holds the lock of the data directory.
 */
function insertsOf(directory: string): string {
  // The engine would treat the path as a pattern that matches nothing, without an error.
  if (resolve(directory).includes('{')) {
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', {
      path: directory,
      problem: 'has a { in its path, which the engine takes for a pattern',
    });
  }
  const inserts = join(resolve(directory), 'inserts');
  mkdirSync(inserts, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(inserts)) {
    if (!name.startsWith(`${process.pid}-`)) rmSync(join(inserts, name), { force: true });
  }
  return inserts;
}

/**
 * The engine reads binary data from files only: inline data of a statement ends at the first empty line. Measured,
 * this takes half the CPU time of JSON in the statement. The file rarely lives long enough to reach the disk.
 */
async function insertByFile(client: ClickHouseClient, inserts: string, rows: Insert): Promise<void> {
  const file = join(inserts, `${process.pid}-${randomUUID()}`);
  const structure = rows.columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  try {
    await writeFile(file, rows.block, { mode: 0o600 });
    await client.command({
      query: `INSERT INTO ${targetOf(rows)}
        SELECT * FROM file(${literal(file)}, 'Native', ${literal(structure)})`,
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** The engine's types come from another release of the client's common package; its private fields differ. */
function asConnection(connection: unknown): ClickHouseClientConfigOptions['connection'] {
  return connection as ClickHouseClientConfigOptions['connection'];
}

async function loadEngine(): Promise<typeof import('chdb/connection')> {
  try {
    return await import('chdb/connection');
  } catch (cause) {
    throw new OriginscopeError('ENGINE_MISSING', { cause });
  }
}
