import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import type { DiskSpace } from '../../clickhouse/disks.ts';
import { counter, counters, gauge } from '../../server/readings.ts';
import { createDecisionCounts } from './decision-counts.ts';
import type { WriteWatch } from './write-watch.ts';
import type { WriterCounters } from './writer.ts';

export interface WriterMetrics {
  /** To be called for every insert that returned. */
  inserted(spans: readonly DecisionSpan[], seconds: number): void;
}

/** @param writer its counters, which may be asked for later */
export function writerMetrics(registry: Registry, writer: () => WriterCounters): WriterMetrics {
  counters(
    registry,
    'originscope_writer_spans_total',
    'Decision spans by what became of them at ClickHouse',
    'outcome',
    () => {
      const { inserts, retries, ...outcomes } = writer();
      return outcomes;
    },
  );
  counter(registry, 'originscope_writer_inserts_total', 'Inserts that were tried', () => writer().inserts);
  counter(
    registry,
    'originscope_writer_retries_total',
    'Inserts that were tried again',
    () => writer().retries,
  );
  const seconds = new Histogram({
    name: 'originscope_writer_insert_seconds',
    help: 'How long inserts took that succeeded',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const decisions = createDecisionCounts();
  const metric: Counter = new Counter({
    name: 'cors_decisions_total',
    help: 'Decisions that this process wrote; a redelivered span counts again here, not in ClickHouse',
    labelNames: ['service', 'kind', 'verdict', 'reason'],
    registers: [registry],
    collect() {
      metric.reset();
      for (const [labels, count] of decisions) metric.inc({ ...labels }, count);
    },
  });
  counter(
    registry,
    'originscope_writer_other_origin_decisions_total',
    'Decisions of origins past the budget of new ones, counted together as (other)',
    () => decisions.ofOtherOrigins,
  );
  return {
    inserted(spans, took) {
      seconds.observe(took);
      decisions.count(spans);
    },
  };
}

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
