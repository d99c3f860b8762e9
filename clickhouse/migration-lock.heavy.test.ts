import { expect, test } from 'vitest';
import { openTestClickHouse, rows } from '../test/support/clickhouse.ts';
import type { ClickHouse } from './connection.ts';
import { type MigrationLockOptions, withMigrationLock } from './migration-lock.ts';

const LOCKS = `SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND name LIKE 'schema_lock%'`;

function locked<T>(
  { writing, publishing, dialect }: ClickHouse,
  owner: string,
  work: () => Promise<T>,
  options: Partial<MigrationLockOptions> = {},
): Promise<T> {
  const client = owner === 'second' ? publishing : writing;
  return withMigrationLock(
    client,
    dialect,
    { owner, waiting: () => undefined, pollMillis: 5, ...options },
    work,
  );
}

test('one works, the other waits until it has finished, and learns who holds the lock', async () => {
  const clickHouse = await openTestClickHouse();
  const events: string[] = [];
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const first = locked(clickHouse, 'first', async () => {
    begun.resolve();
    await goOn.promise;
    events.push('first');
  });
  await begun.promise;
  const waiting = Promise.withResolvers<string>();
  const second = locked(clickHouse, 'second', async () => events.push('second'), {
    waiting: waiting.resolve,
  });
  expect(await waiting.promise).toMatch(/^20\S+Z first$/);
  expect(events).toEqual([]);
  goOn.resolve();
  await Promise.all([first, second]);
  expect(events).toEqual(['first', 'second']);
  expect(await rows(clickHouse, LOCKS)).toEqual([]);
});

test('many at once are mutually exclusive', async () => {
  const clickHouse = await openTestClickHouse();
  let working = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++working);
    await clickHouse.reading.ping();
    working--;
  };
  await Promise.all(
    Array.from({ length: 6 }, (_, index) => locked(clickHouse, index % 2 ? 'second' : 'first', work)),
  );
  expect(most).toBe(1);
  expect(await rows(clickHouse, LOCKS)).toEqual([]);
});

test('a lock of a killed process expires with its lease', async () => {
  const clickHouse = await openTestClickHouse();
  await clickHouse.writing.command({
    query: `CREATE TABLE schema_lock_1 (nothing UInt8) ENGINE = Memory COMMENT '2026-01-01T00:00:00Z gone'`,
  });
  const waiting = (holder: string) => expect.unreachable(`waits for ${holder}`);
  const during = await locked(clickHouse, 'first', () => rows(clickHouse, LOCKS), { waiting });
  expect(during).toEqual([{ name: 'schema_lock_2', comment: expect.stringContaining('first') }]);
  expect(await rows(clickHouse, LOCKS)).toEqual([]);
});

test('the lock is released when the work fails', async () => {
  const clickHouse = await openTestClickHouse();
  await expect(locked(clickHouse, 'first', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await rows(clickHouse, LOCKS)).toEqual([]);
});
