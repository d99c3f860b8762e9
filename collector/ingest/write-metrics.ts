import { Gauge, type Registry } from 'prom-client';
import type { DiskSpace } from '../../clickhouse/disks.ts';
import { gauge } from '../../server/readings.ts';
import type { WriteWatch } from './write-watch.ts';

/** Whether rows are accepted, and how much space there is for them. */
export function writeMetrics(registry: Registry, watch: Pick<WriteWatch, 'disks' | 'isFailing'>): void {
  gauge(registry, 'originscope_writer_failing', '1 while the last insert failed', () =>
    watch.isFailing ? 1 : 0,
  );
  const perDisk = (name: string, help: string, read: (disk: DiskSpace) => number): void => {
    const metric: Gauge = new Gauge({
      name,
      help,
      labelNames: ['disk'],
      registers: [registry],
      collect() {
        metric.reset();
        for (const disk of watch.disks ?? []) metric.set({ disk: disk.name }, read(disk));
      },
    });
  };
  perDisk(
    'originscope_disk_free_bytes',
    'Free space of the disks on which ClickHouse stores data',
    ({ freeBytes }) => freeBytes,
  );
  perDisk('originscope_disk_total_bytes', 'Size of those disks', ({ totalBytes }) => totalBytes);
}
