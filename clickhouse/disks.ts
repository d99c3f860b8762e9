import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { type Dialect, singleServer } from './dialect.ts';

/** A disk on which ClickHouse keeps what it is given. */
export interface DiskSpace {
  /** As ClickHouse calls it; in a cluster behind the name of its host. */
  readonly name: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Whether it should be made larger, or something taken away, before it is full. */
  readonly low: boolean;
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** A tenth of the disk; of a large one 10 GiB, which is hours of inserts and the largest merges. */
const lowBelow = (totalBytes: number): number => Math.min(totalBytes / 10, 10 * GIB);

/** So much above the bound a disk has space again: free space goes up and down with every merge. */
const CLEARLY = 1.25;

/**
 * The local disks of every node, the embedded engine's among them.
 *
 * @throws ClickHouseError when the user may not ask (`GRANT SELECT ON system.disks`), or a node does not answer
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

/** What a person can do for a disk, as the end of a sentence about it. */
export function spaceRemedy({ name }: DiskSpace): string {
  return `Free some of the disk ${name}, or make it larger`;
}

export interface DiskWarnings {
  /** Logs which disks have become low, or have space again, since it was told last. */
  seen(disks: readonly DiskSpace[]): void;
}

/** Says once when a disk becomes low, and once when it is not any more. */
export function createDiskWarnings(log: Logger): DiskWarnings {
  const told = new Set<string>();
  return {
    seen(disks) {
      for (const disk of disks) {
        const { name, freeBytes, totalBytes } = disk;
        if (disk.low && !told.has(name)) {
          told.add(name);
          log.warn(
            { disk: name, freeBytes, totalBytes },
            `the disk ${name} of ClickHouse is nearly full (${spaceText(disk)}): when it is, senders are told to wait. ${spaceRemedy(disk)}, or keep less (--keep-raw, --keep-minutes)`,
          );
        } else if (told.has(name) && freeBytes > lowBelow(totalBytes) * CLEARLY) {
          told.delete(name);
          log.info(
            { disk: name, freeBytes, totalBytes },
            `the disk ${name} of ClickHouse has space again (${spaceText(disk)})`,
          );
        }
      }
    },
  };
}
