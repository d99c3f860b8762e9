import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { type Dialect, singleServer } from './dialect.ts';

/** A disk on which ClickHouse stores data. */
export interface DiskSpace {
  /** The name in ClickHouse; in a cluster prefixed with the host name. */
  readonly name: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Whether it needs attention before it is full. */
  readonly low: boolean;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** A tenth of the disk, at most 10 GiB, which is enough for hours of inserts and the largest merges. */
const lowBelow = (totalBytes: number): number => Math.min(totalBytes / 10, 10 * GIB);

/**
 * Hysteresis: a disk has space again above this multiple of the threshold, because free space changes with
 * every merge.
 */
const HYSTERESIS = 1.25;

/**
 * Reads the local disks of every node, or of the embedded engine.
 *
 * @throws ClickHouseError when the user lacks the permission (`GRANT SELECT ON system.disks`), or a node
 * does not respond
 */
export async function readDisks(
  client: Pick<ClickHouseClient, 'query'>,
  dialect: Dialect = singleServer,
): Promise<DiskSpace[]> {
  const isCluster = dialect.onCluster !== '';
  const result = await client.query({
    query: `SELECT ${isCluster ? "hostName() || '/' || name" : 'name'} AS disk,
        greatest(toInt64(free_space) - toInt64(keep_free_space), 0) AS freeBytes, total_space AS totalBytes
      FROM ${dialect.system('disks')} WHERE NOT is_remote AND NOT is_broken ORDER BY disk`,
    format: 'JSONEachRow',
  });
  const disks = await result.json<{ disk: string; freeBytes: number; totalBytes: number }>();
  return disks.map(({ disk, freeBytes, totalBytes }) => ({
    name: disk,
    freeBytes,
    totalBytes,
    low: freeBytes < lowBelow(totalBytes),
  }));
}

/** `0.9 MiB of 48.0 MiB free` */
export function spaceText({ freeBytes, totalBytes }: DiskSpace): string {
  const unit = (bytes: number): string =>
    bytes < GIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
  return `${unit(freeBytes)} of ${unit(totalBytes)} free`;
}

/** What to do about a disk, as the end of a sentence. */
export function spaceRemedy({ name }: DiskSpace): string {
  return `Free some of the disk ${name}, or make it larger`;
}

export interface DiskWarnings {
  /** Logs which disks have become low, or have space again, since the last call. */
  seen(disks: readonly DiskSpace[]): void;
}

/** Logs once when a disk becomes low, and once when it is not any more. */
export function createDiskWarnings(log: Logger): DiskWarnings {
  const reported = new Set<string>();
  return {
    seen(disks) {
      for (const disk of disks) {
        const { name, freeBytes, totalBytes } = disk;
        if (disk.low && !reported.has(name)) {
          reported.add(name);
          log.warn(
            { disk: name, freeBytes, totalBytes },
            `the disk ${name} of ClickHouse is nearly full (${spaceText(disk)}): when it is full, writes are rejected and senders retry. ${spaceRemedy(disk)}, or keep less (--keep-raw, --keep-minutes)`,
          );
        } else if (reported.has(name) && freeBytes > lowBelow(totalBytes) * HYSTERESIS) {
          reported.delete(name);
          log.info(
            { disk: name, freeBytes, totalBytes },
            `the disk ${name} of ClickHouse has space again (${spaceText(disk)})`,
          );
        }
      }
    },
  };
}
