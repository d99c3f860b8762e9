import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { type ClickHouseLocation, openClickHouse } from './clickhouse/connection.ts';
import { migrate } from './clickhouse/migrations.ts';
import { applyRetention, type Retention } from './clickhouse/retention.ts';
import { createWriter, type WriterCounters } from './clickhouse/writer.ts';
import type { SamplingRatios } from './derivation/sampling.ts';
import { createRegistry, writerMetrics } from './metrics/metrics.ts';
import { createReceiver } from './otlp/receiver.ts';
import { createPublisher } from './usage/publisher.ts';

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
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
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

const PUBLISH_EVERY_MILLIS = 5_000;
const CLEAN_EVERY_MILLIS = 3_600_000;

/**
 * @throws OriginscopeError of the rooms it starts: `ENGINE_…`, `SCHEMA_…`, `PORT_TAKEN`, `HOST_NEEDS_TOKEN`
 */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { log, now, retention } = options;
  const clickhouse = await openClickHouse(options.location);
  const stopping = new AbortController();
  try {
    await migrate(clickhouse.writing);
    await applyRetention(clickhouse.writing, retention);
    const registry = createRegistry();
    const metrics = writerMetrics(registry, () => writer.counters);
    const writer = createWriter({ client: clickhouse.writing, now, inserted: metrics.inserted });
    const receiver = createReceiver({
      ...options,
      // Of its own lines only the bad ones: it would announce every port.
      logger: log.child({}, { level: 'warn' }),
      registry,
      write: writer.write,
      ready: async () => (await clickhouse.reading.ping()).success,
      health: () => ({ writer: writer.counters }),
    });
    const url = await receiver.listen();
    const publisher = createPublisher({ client: clickhouse.publishing, now, retention });
    const chores = Promise.all([
      repeat(
        () => publisher.tick(stopping.signal),
        PUBLISH_EVERY_MILLIS,
        stopping.signal,
        (error) => log.error({ err: error }, 'publication failed; it is tried again'),
      ),
      repeat(publisher.clean, CLEAN_EVERY_MILLIS, stopping.signal, (error) =>
        log.error({ err: error }, 'cleaning failed; it is tried again'),
      ),
    ]);
    return {
      url,
      reading: clickhouse.reading,
      written: writer.counters,
      async close() {
        await receiver.close();
        await writer.close();
        stopping.abort();
        await chores;
        await clickhouse.close();
      },
    };
  } catch (error) {
    stopping.abort();
    await clickhouse.close();
    throw error;
  }
}

/** Does the work now and again after each pause, one at a time, until told to stop. */
async function repeat(
  work: () => Promise<unknown>,
  pauseMillis: number,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(failed);
    await delay(pauseMillis, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
