import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { ALLOWED, decisionRequest, decisionSpan, protobufBodies } from '../../support/otlp-bodies.ts';
import { encodeRequest } from '../../support/otlp-schema.ts';

const SPANS_A_BODY = 200;
const TICK_MILLIS = 20;
const PROBE_EVERY_MILLIS = 250;
const ASK_EVERY_MILLIS = 20;

export interface LatencyOptions {
  /** Of the receiver. */
  readonly url: string;
  readonly reading: ClickHouseClient;
  /** Of the load beside which it is measured. */
  readonly spansASecond: number;
  readonly probes: number;
}

/**
 * Milliseconds from the moment in which a span is sent to the receiver until a reader of the views finds it,
 * once for each probe, beside a constant load.
 */
export async function latencies(options: LatencyOptions): Promise<{ millis: number[]; sent: number }> {
  const { url, reading, spansASecond, probes } = options;
  const next = protobufBodies();
  const millis: number[] = [];
  const loading = new AbortController();
  let sent = 0;

  async function load(): Promise<void> {
    const started = performance.now();
    const underWay = new Set<Promise<void>>();
    while (!loading.signal.aborted) {
      const due = ((performance.now() - started) / 1000) * spansASecond;
      for (; sent < due; sent += SPANS_A_BODY) {
        const posting: Promise<void> = post(url, next(Date.now())).finally(() => underWay.delete(posting));
        underWay.add(posting);
      }
      await delay(TICK_MILLIS);
    }
    await Promise.all(underWay);
  }

  async function probe(number: number): Promise<void> {
    const service = `probe-${number}`;
    const span = decisionSpan((number + 1).toString(16).padStart(16, '0'), Date.now(), ALLOWED);
    const body = encodeRequest(decisionRequest([span], { 'service.name': service }));
    const before = performance.now();
    await post(url, body);
    while (!(await isVisible(service))) await delay(ASK_EVERY_MILLIS);
    millis.push(performance.now() - before);
  }

  async function isVisible(service: string): Promise<boolean> {
    const result = await reading.query({
      query: `SELECT count() AS n FROM origin_usage
        WHERE service = {service:String} AND minute > now() - INTERVAL 10 MINUTE`,
      query_params: { service },
      format: 'JSONEachRow',
    });
    const [row] = await result.json<{ n: number }>();
    return (row?.n ?? 0) > 0;
  }

  const loaded = load();
  try {
    await delay(3_000); // Caches and queues as under constant load.
    const probing: Promise<void>[] = [];
    for (let number = 0; number < probes; number++) {
      probing.push(probe(number));
      await delay(PROBE_EVERY_MILLIS);
    }
    await Promise.all(probing);
  } finally {
    loading.abort();
    await loaded;
  }
  return { millis, sent };
}

async function post(url: string, body: Buffer): Promise<void> {
  const response = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(body),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the receiver answered ${response.status}`);
}
