import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { RETENTION } from '../../clickhouse/retention.ts';
import { startCollector } from '../../collector/collector.ts';
import { createPublisher } from '../../collector/publication/publisher.ts';
import { ALLOWED, decisionRequest, decisionSpan } from '../support/otlp-bodies.ts';
import { encodeRequest } from '../support/otlp-schema.ts';

const SPANS_A_BODY = 1_000;
const AT_ONCE = 4;
/** The regular origin: it sends one span for each of the flood. */
export const REGULAR = 'https://shop.example';

export interface FloodResult {
  readonly sent: number;
  /** Sums of the views before publication (raw rows) and after it. */
  readonly byMinute: number;
  readonly byMinutePublished: number;
  readonly byHourPublished: number;
  readonly originsPublished: number;
  readonly regular: number;
  readonly other: number;
  readonly peakRssMiB: number;
}

/**
 * Sends decisions of `origins` distinct origins of one service, as a sender without our budgets would, into a
 * slot that is closed already; then publishes, as the collector does.
 */
export async function flood(origins: number): Promise<FloodResult> {
  const directory = mkdtempSync(join(tmpdir(), 'originscope-flood-'));
  let peakRss = 0;
  try {
    const collector = await startCollector({
      location: { directory },
      host: '127.0.0.1',
      port: 0,
      token: undefined,
      auth: 'token',
      retention: RETENTION,
      log: pino({ level: 'silent' }),
      now: Date.now,
    });
    const bodies = Math.ceil((2 * origins) / SPANS_A_BODY);
    const time = Math.floor((Date.now() - 3 * 3_600_000) / 3_600_000) * 3_600_000;
    let next = 0;
    let sent = 0;
    const send = async (): Promise<void> => {
      for (let body = next++; body < bodies; body = next++) {
        const spans = Array.from({ length: SPANS_A_BODY }, (_, index) => {
          const number = body * SPANS_A_BODY + index;
          const regular = number % 2 === 0;
          sent += regular ? 1 : 2;
          return decisionSpan((number + 1).toString(16).padStart(16, '0'), time, {
            ...ALLOWED,
            'cors.decisions': regular ? 1 : 2,
            'cors.origin': regular ? REGULAR : `https://${number}.flood.example`,
          });
        });
        const response = await fetch(`${collector.url}/v1/traces`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body: encodeRequest(decisionRequest(spans)),
        });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`the collector answered ${response.status}`);
        peakRss = Math.max(peakRss, process.memoryUsage.rss());
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    await collector.close();
    return { sent, ...(await readViews(directory)), peakRssMiB: Math.round(peakRss / 2 ** 20) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function readViews(directory: string) {
  const clickhouse = await openClickHouse({ directory });
  const ask = async (query: string): Promise<number> => {
    const result = await clickhouse.reading.query({
      query,
      query_params: { regular: REGULAR },
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ n: number }>();
    return row?.n ?? 0;
  };
  try {
    const byMinute = await ask('SELECT sum(decisions) AS n FROM origin_usage');
    await createPublisher({
      client: clickhouse.publishing,
      now: Date.now,
      republishMillis: 0,
      readerGraceMillis: 0,
    }).tick();
    return {
      byMinute,
      byMinutePublished: await ask('SELECT sum(decisions) AS n FROM origin_usage'),
      byHourPublished: await ask('SELECT sum(decisions) AS n FROM origin_usage_hourly'),
      originsPublished: await ask('SELECT uniqExact(origin) AS n FROM origin_usage'),
      regular: await ask('SELECT sum(decisions) AS n FROM origin_usage WHERE origin = {regular:String}'),
      other: await ask("SELECT sum(decisions) AS n FROM origin_usage WHERE origin = '(other)'"),
    };
  } finally {
    await clickhouse.close();
  }
}
