import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client';
import { OriginscopeError } from '../core/errors.ts';
import type { Connector } from './connection.ts';
import { type Insert, targetOf } from './rows.ts';
import { literal } from './sql-text.ts';

export interface EmbeddedLocation {
  readonly directory: string;
}

/** @throws OriginscopeError `ENGINE_MISSING`, `DATA_DIRECTORY_UNUSABLE` */
export async function embeddedConnector({ directory }: EmbeddedLocation): Promise<Connector> {
  const { createChdbConnection } = await loadEngine();
  // The engine creates its files with whatever mode the process allows, now and at every merge.
  process.umask(0o077);
  const inserts = insertsOf(directory);
  return {
    async connect(settings) {
      const client = createClient({ connection: asConnection(createChdbConnection({ path: directory })) });
      // Left to itself, the embedded engine gives most queries one thread (measured: twice the time).
      // Given to the client, settings would be repeated before every statement; here SET lasts as long as
      // the connection, which is what these are for.
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
 * Where blocks lie for the moment in which the engine reads them. What a killed process left is removed; nothing
 * but this process has the directory.
 */
function insertsOf(directory: string): string {
  // Nothing would match the pattern, and the engine would say nothing of it.
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
 * The engine takes binary data from files alone: its statements are text, in which they would be cut at the
 * first empty line (measured; half the processor time of JSON in the statement all the same). The file seldom
 * lives long enough to reach the disk.
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

/** The engine's types come from another release of the client's common part; its private fields differ. */
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
