import type { ClickHouseClient } from '@clickhouse/client';
import { codeOf } from '../core/errors.ts';
import { endless, retry } from '../core/retry.ts';
import type { Dialect } from './dialect.ts';
import { literal } from './sql-text.ts';

export interface MigrationLockOptions {
  /** For people who wait: host and process. */
  readonly owner: string;
  /** Told once of each holder that is waited for: since when (RFC 3339), and its owner. */
  readonly waiting: (holder: string) => void;
  readonly pollMillis?: number;
  /** A lock that is older belongs to nobody any more. By the engine's clock. */
  readonly leaseSeconds?: number;
}

interface Lock {
  readonly number: number;
  readonly holder: string;
  readonly expired: boolean;
}

/** Another process holds the lock. */
class LockHeldError extends Error {}

const TABLE_ALREADY_EXISTS = '57';

/**
 * Does the work while no other process does such work on the same database: a second one waits.
 *
 * What ClickHouse does once and for one only is CREATE TABLE: on a server by itself, in a cluster because all
 * nodes carry out ON CLUSTER statements in one order. So the lock is a table, `schema_lock_1`, whose comment says
 * since when and by whom. What a killed process left is not dropped and made again, because two who find it
 * could each drop the other's: the next number is taken, and where two numbers are held the lower one counts.
 */
export async function withMigrationLock<T>(
  client: ClickHouseClient,
  dialect: Dialect,
  options: MigrationLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { owner, waiting, pollMillis = 500, leaseSeconds = 600 } = options;
  const told = new Set<string>();
  const number = await retry(acquire, {
    delays: endless([pollMillis]),
    shouldRetry: (error) => error instanceof LockHeldError,
  });
  try {
    return await work();
  } finally {
    await release(number);
  }

  /** @returns the number of the lock that this process holds */
  async function acquire(): Promise<number> {
    const locks = await readLocks();
    const holder = locks.find((lock) => !lock.expired);
    if (holder !== undefined) {
      if (!told.has(holder.holder)) waiting(holder.holder);
      told.add(holder.holder);
      throw new LockHeldError();
    }
    const number = Math.max(0, ...locks.map((lock) => lock.number)) + 1;
    if (!(await create(number))) throw new LockHeldError();
    try {
      const others = (await readLocks()).filter((lock) => lock.number < number);
      if (!others.every((lock) => lock.expired)) throw new LockHeldError();
      for (const lock of others) await drop(lock.number);
      return number;
    } catch (error) {
      await release(number);
      throw error;
    }
  }

  async function readLocks(): Promise<Lock[]> {
    const result = await client.query({
      query: `SELECT toUInt32(extract(name, '[0-9]+$')) AS number, comment AS holder,
          parseDateTimeBestEffortOrZero(extract(comment, '^[^ ]+'), 'UTC') + toIntervalSecond({lease:UInt32})
            < now('UTC') AS expired
        FROM system.tables
        WHERE database = currentDatabase() AND match(name, '^schema_lock_[0-9]+$') ORDER BY number`,
      query_params: { lease: leaseSeconds },
      format: 'JSONEachRow',
    });
    const locks = await result.json<{ number: number; holder: string; expired: number }>();
    return locks.map((lock) => ({ ...lock, expired: lock.expired === 1 }));
  }

  /** @returns whether this process made it */
  async function create(number: number): Promise<boolean> {
    const result = await client.query({
      query: `SELECT formatDateTime(now('UTC'), '%Y-%m-%dT%H:%i:%SZ') AS now`,
      format: 'JSONEachRow',
    });
    const [clock] = await result.json<{ now: string }>();
    try {
      await client.command({
        query: `CREATE TABLE schema_lock_${number}${dialect.onCluster} (nothing UInt8) ENGINE = Memory
          COMMENT ${literal(`${clock?.now} ${owner}`)}`,
      });
      return true;
    } catch (error) {
      if (codeOf(error) === TABLE_ALREADY_EXISTS) return false;
      throw error;
    }
  }

  /** One that is left behind expires. */
  async function release(number: number): Promise<void> {
    await drop(number).catch(() => undefined);
  }

  async function drop(number: number): Promise<void> {
    await client.command({ query: `DROP TABLE IF EXISTS schema_lock_${number}${dialect.onCluster}` });
  }
}
