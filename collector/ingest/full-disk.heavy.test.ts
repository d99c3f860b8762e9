import { join } from 'node:path';
import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { RETENTION } from '../../clickhouse/retention.ts';
import { report } from '../../reports/report.ts';
import { decisionRequest, decisionSpan } from '../../test/support/otlp-bodies.ts';
import { openSmallVolume, type SmallVolume } from '../../test/support/small-volume.ts';
import { type Collector, startCollector } from '../collector.ts';

const MIB = 1024 ** 2;
const patient = { timeout: 20_000 };

interface Line {
  readonly level: number;
  readonly msg: string;
}

let volume: SmallVolume;
let collector: Collector;
let lines: Line[];

beforeEach(async ({ skip }) => {
  const opened = openSmallVolume();
  if (typeof opened === 'string') return skip(opened);
  volume = opened;
  lines = [];
  collector = await startCollector({
    location: { directory: join(volume.directory, 'data') },
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    auth: 'token',
    retention: RETENTION,
    log: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) }),
    now: Date.now,
    retryMillis: [20],
    watchMillis: 20,
  });
  onTestFinished(() => collector.close());
});

let ids = 0;

async function send(spans = 20): Promise<number> {
  const body = decisionRequest(
    Array.from({ length: spans }, () => decisionSpan((++ids).toString(16).padStart(16, '0'), Date.now())),
  );
  const response = await fetch(`${collector.url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

async function ask(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(collector.url + path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const metrics = async (): Promise<string> => (await fetch(`${collector.url}/metrics`)).text();
const said = (part: string): Line[] => lines.filter(({ msg }) => msg.includes(part));

test('a full disk makes the collector unready until rows can be written again, without traffic, and loses nothing', async () => {
  ids = 0;
  expect(await send()).toBe(200);
  expect(await ask('/readyz')).toEqual({ status: 200, body: { ready: true } });

  volume.fill(0);
  expect(await send()).toBe(503);
  await expect
    .poll(() => ask('/readyz'), patient)
    .toEqual({
      status: 503,
      body: {
        ready: false,
        missing: [
          expect.stringMatching(
            /^ClickHouse has taken no rows since 2\d{3}-\S+Z: .*space.*Free some of the disk default, or make it larger \(0\.\d MiB of .* MiB free\)/i,
          ),
        ],
      },
    });
  expect(await metrics()).toContain('originscope_writer_failing 1');
  expect(await send()).toBe(503);
  expect(said('ClickHouse does not accept rows')).toHaveLength(1);

  volume.clear();
  // No sender uses a collector that is not ready.
  await expect.poll(() => ask('/readyz'), patient).toEqual({ status: 200, body: { ready: true } });
  expect(said('ClickHouse accepts rows again')).toHaveLength(1);
  expect(await metrics()).toContain('originscope_writer_failing 0');

  expect(await send()).toBe(200);
  const acknowledged = await collector.clickhouse.reading.query({
    query: `SELECT uniqExact(span) AS spans FROM decision_spans WHERE span <= 20 OR span > ${ids - 20}`,
    format: 'JSONEachRow',
  });
  expect(await acknowledged.json()).toEqual([{ spans: 40 }]);
});

test('free space is a metric, in /healthz and in the report, and a warning is logged once before it runs out', async () => {
  const disk = async () =>
    (await report(collector.clickhouse.reading, { since: Date.now() - 60_000, until: Date.now() })).disks;
  const free = async () =>
    Number(/^originscope_disk_free_bytes\{disk="default"\} (\d+)$/m.exec(await metrics())?.[1]);

  await expect.poll(free, patient).toBeGreaterThan(8 * MIB);
  expect(await disk()).toEqual([
    { name: 'default', freeBytes: expect.any(Number), totalBytes: expect.any(Number), low: false },
  ]);
  expect(said('is nearly full')).toEqual([]);

  volume.fill(3 * MIB);
  await expect.poll(() => said('is nearly full').length, patient).toBe(1);
  expect(await free()).toBeLessThan(4 * MIB);
  expect((await ask('/healthz')).body).toMatchObject({ disks: [{ name: 'default', low: true }] });
  expect(await disk()).toMatchObject([{ low: true }]);
  // It still writes.
  expect(await send()).toBe(200);
  expect(await ask('/readyz')).toMatchObject({ status: 200 });

  volume.clear();
  await expect.poll(() => said('has space again').length, patient).toBe(1);
  expect(said('is nearly full')).toHaveLength(1);
});
