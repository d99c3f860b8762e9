import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { type ClickHouseLocation, openClickHouse } from '../clickhouse/connection.ts';
import { migrate } from '../clickhouse/migrations.ts';
import { applyRetention, type Retention } from '../clickhouse/retention.ts';
import { stuckText } from '../reports/publication-state.ts';
import type { InboundTracestate, SamplingRatios } from './derivation/sampling.ts';
import { writeMetrics } from './ingest/write-metrics.ts';
import { startWriteWatch } from './ingest/write-watch.ts';
import { createWriter, type WriterCounters } from './ingest/writer.ts';
import { createRegistry, writerMetrics } from './metrics/metrics.ts';
import { createReceiver } from './otlp/receiver.ts';
import { startChores } from './publication/chores.ts';
import { publicationMetrics } from './publication/publication-metrics.ts';
import { startPublicationWatch } from './publication/publication-watch.ts';
import { createPublisher } from './publication/publisher.ts';

export interface CollectorOptions {
  readonly location: ClickHouseLocation;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string | undefined;
  readonly auth: 'token' | 'none';
  readonly retention: Retention;
  /** By which ratio services sample the HTTP spans that decisions are derived from. */
  readonly samplingRatios?: SamplingRatios | undefined;
  /** Whether the tracestate of a request says it where no ratio was given. Default `ignored`. */
  readonly inboundTracestate?: InboundTracestate;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Waits between tries of an insert that failed; see GroupCommitLimits. */
  readonly retryMillis?: readonly number[];
  /** How often the disks are looked at, and a write is tried again that failed. */
  readonly watchMillis?: number;
}

/** Receiver, writer and publisher over one ClickHouse, in this process. */
export interface Collector {
  /** Where to send OTLP/HTTP, without `/v1/traces`. */
  readonly url: string;
  /** For everybody who asks. */
  readonly reading: ClickHouseClient;
  readonly written: Readonly<WriterCounters>;
  /** Finishes the requests that are held, writes what is pending, lets a publication finish, closes. */
  close(): Promise<void>;
}

/**
 * @throws OriginscopeError of the rooms it starts: `ENGINE_…`, `SCHEMA_…`, `PORT_TAKEN`, `HOST_NEEDS_TOKEN`
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { log, now, retention } = options;
  const clickhouse = await openClickHouse(options.location, { createDatabase: true });
  try {
    await migrate(clickhouse.writing, clickhouse);
    await applyRetention(clickhouse.writing, retention, clickhouse.dialect);
    const registry = createRegistry();
    const metrics = writerMetrics(registry, () => writer.counters);
    const watch = startWriteWatch({
      clickhouse,
      write: (spans) => writer.write(spans),
      log,
      now,
      ...(options.watchMillis !== undefined && { everyMillis: options.watchMillis }),
    });
    const writer = createWriter({
      client: clickhouse.writing,
      now,
      // Most overloads are short, and senders wait ten seconds for their answer.
      admissionMillis: 2_000,
      inserted(spans, seconds) {
        metrics.inserted(spans, seconds);
        watch.inserted();
      },
      failed: watch.failed,
      ...(options.retryMillis !== undefined && { retryMillis: options.retryMillis }),
    });
    writeMetrics(registry, watch);
    const publication = startPublicationWatch(clickhouse.reading, options.watchMillis);
    const receiver = createReceiver({
      ...options,
      // Of its own lines only the bad ones: it would announce every port.
      logger: log.child({}, { level: 'warn' }),
      registry,
      write: ({ spans }) => writer.write(spans),
      ready: async () => ({ missing: await watch.missing(), troubles: publication.stuck.map(stuckText) }),
      health: () => ({
        writer: writer.counters,
        disks: watch.disks,
        stuck: publication.stuck.map(stuckText),
      }),
    });
    publicationMetrics(registry, clickhouse.reading, now);
    const url = await receiver.listen();
    const publisher = createPublisher({
      client: clickhouse.publishing,
      dialect: clickhouse.dialect,
      now,
      retention,
    });
    const chores = startChores({ publisher, log, now });
    return {
      url,
      reading: clickhouse.reading,
      written: writer.counters,
      async close() {
        await receiver.close();
        await Promise.all([writer.close(), watch.stop(), publication.stop()]);
        await chores.stop();
        await clickhouse.close();
      },
    };
  } catch (error) {
    await clickhouse.close();
    throw error;
  }
}
