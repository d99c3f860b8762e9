import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type ClickHouse, openClickHouse } from '../clickhouse/connection.ts';
import type { ClickHouseLocation } from '../clickhouse/location.ts';
import { migrate } from '../clickhouse/migrations.ts';
import { applyRetention, type Retention } from '../clickhouse/retention.ts';
import { opening } from '../core/closers.ts';
import type { Binding } from '../server/binding.ts';
import { createRegistry } from '../server/readings.ts';
import type { AddRoutes } from '../server/routes.ts';
import type { InboundTracestate, SamplingRatios } from './derivation/sampling.ts';
import type { WriterCounters } from './ingest/writer.ts';
import { createReceiver } from './otlp/receiver.ts';
import { startPipeline } from './pipeline.ts';

export interface CollectorOptions extends Binding {
  readonly location: ClickHouseLocation;
  /** 0 picks a free port. */
  readonly port: number;
  readonly retention: Retention;
  /** Sampling ratios of the HTTP spans that decisions are derived from. */
  readonly samplingRatios?: SamplingRatios | undefined;
  /** Whether the tracestate of a request counts where no ratio is given. Default `ignored`. */
  readonly inboundTracestate?: InboundTracestate;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Delays between retries of a failed insert; see GroupCommitLimits. */
  readonly retryMillis?: readonly number[];
  /** How often disks are checked and failed writes are retried. */
  readonly watchMillis?: number;
  /** The collector's metrics are added to it. Default: one of its own. */
  readonly registry?: Registry;
  /** Adds routes of other folders to the receiver's HTTP server. */
  readonly routes?: (clickhouse: ClickHouse) => AddRoutes;
}

/** Receiver, writer and publisher over one ClickHouse, in this process. */
export interface Collector {
  /** Where to send OTLP/HTTP, without `/v1/traces`. */
  readonly url: string;
  /** Open until `close`. */
  readonly clickhouse: Pick<ClickHouse, 'reading' | 'openReader' | 'writing' | 'publishing' | 'dialect'>;
  readonly written: Readonly<WriterCounters>;
  /** Completes held requests, writes pending rows, waits for a running publication, closes. */
  close(): Promise<void>;
}

/**
 * @throws OriginscopeError of the parts that it starts: `ENGINE_…`, `SCHEMA_…`, `PORT_TAKEN`, `HOST_NEEDS_TOKEN`
 */
export function startCollector(options: CollectorOptions): Promise<Collector> {
  const { log, now, retention, watchMillis, retryMillis, routes } = options;
  return opening(async (closers) => {
    const clickhouse = await openClickHouse(options.location, { createDatabase: true });
    closers.add(clickhouse.close);
    await migrate(clickhouse.writing, clickhouse);
    await applyRetention(clickhouse.writing, retention, clickhouse.dialect);
    const registry = options.registry ?? createRegistry();
    const pipeline = startPipeline({
      clickhouse,
      retention,
      registry,
      log,
      now,
      watchMillis,
      // Most overloads are short, and senders wait ten seconds for their answer.
      limits: { admissionMillis: 2_000, ...(retryMillis !== undefined && { retryMillis }) },
    });
    closers.add(pipeline.close);
    const { writer } = pipeline;
    const receiver = createReceiver({
      host: options.host,
      port: options.port,
      token: options.token,
      auth: options.auth,
      samplingRatios: options.samplingRatios,
      ...(options.inboundTracestate !== undefined && { inboundTracestate: options.inboundTracestate }),
      now,
      // Fastify would log every port at level info.
      logger: log.child({}, { level: 'warn' }),
      registry,
      write: ({ spans }) => writer.write(spans),
      ready: async () => ({ missing: await pipeline.missing(), troubles: pipeline.troubles }),
      health: () => ({ writer: writer.counters, disks: pipeline.disks, stuck: pipeline.troubles }),
      ...(routes !== undefined && { routes: routes(clickhouse) }),
    });
    const url = await receiver.listen();
    closers.add(receiver.close);
    return { url, clickhouse, written: writer.counters, close: closers.close };
  });
}
