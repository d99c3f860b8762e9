import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ClickHouse } from '../clickhouse/connection.ts';
import type { Retention } from '../clickhouse/retention.ts';
import { stuckText } from '../reports/publication-state.ts';
import type { GroupCommitLimits } from './ingest/group-commit.ts';
import { writeMetrics, writerMetrics } from './ingest/write-metrics.ts';
import { startWriteWatch, type WriteWatch } from './ingest/write-watch.ts';
import { createWriter, type Writer } from './ingest/writer.ts';
import { type ChoresOptions, startChores } from './publication/chores.ts';
import { publicationMetrics } from './publication/publication-metrics.ts';
import { startPublicationWatch } from './publication/publication-watch.ts';
import { createPublisher, type PublisherOptions } from './publication/publisher.ts';

export interface PipelineOptions extends Pick<PublisherOptions, 'hasArrived'>, Pick<ChoresOptions, 'isOurs'> {
  /** With the current schema. The caller closes it after the pipeline. */
  readonly clickhouse: ClickHouse;
  readonly retention: Retention;
  /** The pipeline's metrics are added to it. */
  readonly registry: Registry;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where they differ from the writer's defaults. */
  readonly limits?: Partial<GroupCommitLimits>;
  /** How often disks are checked and failed writes are retried. */
  readonly watchMillis?: number | undefined;
  /** Whether the caller logs failed writes. Default: the pipeline does. */
  readonly callerLogsFailures?: boolean;
}

/** Writer and publisher over one ClickHouse, with their monitoring: the part that `up` and `consume` share. */
export interface Pipeline {
  readonly writer: Writer;
  /** Disks of ClickHouse's nodes, as last seen. */
  readonly disks: WriteWatch['disks'];
  /** Why rows cannot be written now, in sentences; empty while they can. */
  missing(): Promise<readonly string[]>;
  /** Slots that cannot be published, in sentences; writing continues. */
  readonly troubles: readonly string[];
  /** Writes what is pending, and lets a publication finish. */
  close(): Promise<void>;
}

export function startPipeline(options: PipelineOptions): Pipeline {
  const { clickhouse, registry, retention, log, now, watchMillis, hasArrived, isOurs } = options;
  const watch = startWriteWatch({
    clickhouse,
    write: (spans) => writer.write(spans),
    log,
    now,
    callerLogsFailures: options.callerLogsFailures === true,
    ...(watchMillis !== undefined && { everyMillis: watchMillis }),
  });
  const metrics = writerMetrics(registry, () => writer.counters);
  const writer = createWriter({
    client: clickhouse.writing,
    now,
    inserted(spans, seconds) {
      metrics.inserted(spans, seconds);
      watch.inserted();
    },
    failed: watch.failed,
    ...options.limits,
  });
  writeMetrics(registry, watch);
  publicationMetrics(registry, clickhouse.reading, now);
  const publication = startPublicationWatch(clickhouse.reading, watchMillis);
  const publisher = createPublisher({
    client: clickhouse.publishing,
    dialect: clickhouse.dialect,
    now,
    retention,
    ...(hasArrived !== undefined && { hasArrived }),
  });
  const chores = startChores({ publisher, log, now, ...(isOurs !== undefined && { isOurs }) });

  return {
    writer,
    get disks() {
      return watch.disks;
    },
    missing: watch.missing,
    get troubles() {
      return publication.stuck.map(stuckText);
    },
    async close() {
      await Promise.all([writer.close(), watch.stop(), publication.stop(), chores.stop()]);
    },
  };
}
