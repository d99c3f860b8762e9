import type { ClickHouseClient } from '@clickhouse/client';
import { codeOf } from '../core/errors.ts';
import { endless, retry } from '../core/retry.ts';
import type { Dialect } from './dialect.ts';
import { literal } from './sql-text.ts';

export interface MigrationLockOptions {
  /** Identifies the holder for users: host and process. */
  readonly owner: string;
  /** Called once for each holder that is waited for: since when (RFC 3339), and its owner. */
  readonly waiting: (holder: string) => void;
  readonly pollMillis?: number;
  /** Older locks have expired. By the engine's clock. */
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
 * Runs `work` while no other process does on the same database; others wait.
 *
 * The only atomic statement of ClickHouse is CREATE TABLE: on a server by itself, in a cluster because all
 * nodes execute ON CLUSTER statements in the same order. So the lock is a table, `schema_lock_1`, whose
 * comment contains time and owner. The lock of a killed process is not dropped and recreated, because two
 * processes could each drop the other's: the next number is taken, and of two held numbers the lower one
 * counts.
 */
export async function withMigrationLock<T>(
  client: ClickHouseClient,
  dialect: Dialect,
  options: MigrationLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const { owner, waiting, pollMillis = 500, leaseSeconds = 600 } = options;
  const reported = new Set<string>();
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
      if (!reported.has(holder.holder)) waiting(holder.holder);
      reported.add(holder.holder);
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

  /** @returns whether this process created it */
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
