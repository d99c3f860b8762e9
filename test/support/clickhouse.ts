import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { type ClickHouse, openClickHouse } from '../../clickhouse/connection.ts';
import type { ServerLocation } from '../../clickhouse/location.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import type { ClickHouseServer } from './clickhouse-server/launch.ts';

/** An empty directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * The embedded engine with the current schema, closed when the test ends. A process has one data directory
 * at a time, so tests that call this do not run concurrently.
 */
export async function openTestClickHouse(directory?: string): Promise<ClickHouse> {
  const clickHouse = await openClickHouse({ directory: directory ?? (await copiedDatabase()) });
  onTestFinished(() => clickHouse.close());
  if (directory !== undefined) await migrate(clickHouse.writing);
  return clickHouse;
}

/** An empty database with the current schema, removed when the test ends. */
async function copiedDatabase(): Promise<string> {
  const directory = await temporaryDirectory();
  await cp(inject('databaseTemplate'), directory, { recursive: true });
  return directory;
}

/** Of a database of its own. */
export function newDatabase(server: ClickHouseServer): string {
  return `${server.url}/test_${randomBytes(6).toString('hex')}`;
}

/** A database on a server with the current schema, closed when the test ends. */
export async function openTestDatabase(
  url: string,
  options: Omit<ServerLocation, 'url'> = {},
): Promise<ClickHouse> {
  const clickHouse = await openClickHouse({ url, ...options }, { createDatabase: true });
  onTestFinished(() => clickHouse.close());
  await migrate(clickHouse.writing);
  return clickHouse;
}

/** The rows of a query, as readers of the views get them. */
export async function rows<Row = Record<string, unknown>>(
  clickHouse: ClickHouse,
  query: string,
  query_params: Record<string, unknown> = {},
): Promise<Row[]> {
  return (await clickHouse.reading.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();
}
