import { afterAll, beforeAll, describe } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import { newDatabase, openTestClickHouse, openTestDatabase } from './clickhouse.ts';
import { type ClickHouseServer, launchClickHouseServer } from './clickhouse-server/launch.ts';

/**
 * Runs tests on the embedded engine and on a server, which is started for them.
 *
 * @param title of each group, with `$place` in it
 * @param tests given what opens an empty database with the current schema, closed when the test ends
 */
export function inEachPlace(title: string, tests: (open: () => Promise<ClickHouse>) => void): void {
  let server: ClickHouseServer;
  beforeAll(async () => {
    server = await launchClickHouseServer();
  });
  afterAll(() => server.stop());

  describe.each([
    { place: 'the embedded engine', open: () => openTestClickHouse() },
    { place: 'a server', open: () => openTestDatabase(newDatabase(server)) },
  ])(title, ({ open }) => tests(open));
}
