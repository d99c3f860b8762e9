import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ClickHouseClient } from '@clickhouse/client';
import { names, SPAN_COLUMNS } from '../../clickhouse/columns.ts';
import { type ClickHouse, openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { createPublisher } from '../../collector/publication/publisher.ts';
import { fillPeer, PEER_TABLE } from './support/otel-traces-peer.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What 500 instances write in an hour: 100 keys each, every 10 seconds, 100 decisions a span. */
const SPANS_AN_HOUR = 18_000_000;
const REPEATS = 15;

/**
 * One hour of 500 instances in the embedded engine: panels over the views, publication of slots and the
 * hour, bytes on disk. `--scale 0.1` for a tenth of it; `--keys random` for the worst case, in which hardly
 * two spans of a minute have the same dimensions.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      scale: { type: 'string', default: '1' },
      keys: { type: 'string', default: 'realistic' },
      peer: { type: 'string', default: '2000000' },
    },
  });
  const spans = Math.round(SPANS_AN_HOUR * Number(values.scale));
  const directory = mkdtempSync(join(tmpdir(), 'originscope-bench-'));
  const clickHouse = await openClickHouse({ directory });
  try {
    await migrate(clickHouse.writing);
    await measure(clickHouse, spans, values.keys === 'random', Number(values.peer));
  } finally {
    await clickHouse.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  clickHouse: ClickHouse,
  spans: number,
  random: boolean,
  peerRows: number,
): Promise<void> {
  const { writing, reading, publishing } = clickHouse;
  const start = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
  const [version] = await select<{ version: string }>(reading, 'SELECT version() AS version');
  console.log(`engine ${version?.version}; ${spans} spans, ${random ? 'random' : 'realistic'} keys`);

  // Of the machine before we began: other work makes everything here slower.
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`);
  const filled = await timed(() => fill(writing, start, spans, random));
  console.log(`generated in ${(filled / 1000).toFixed(1)} s`);

  // As in life: each slot when it has closed; five of the hour, the last one is still open.
  let now = start;
  const publisher = createPublisher({ client: publishing, now: () => now, readerGraceMillis: 0 });
  const slots: number[] = [];
  for (let slot = 0; slot < 5; slot++) {
    now = start + slot * 10 * MINUTE + 13 * MINUTE;
    slots.push(await timed(() => publisher.tick()));
  }
  const seconds = slots.map((millis) => (millis / 1000).toFixed(1)).join(', ');
  console.log(`publication of slots of ${spans / 6} spans: ${seconds} s`);
  await panels(reading, 'five slots published, one raw', start);

  now = start + HOUR + 3 * MINUTE;
  const rest = await timed(() => publisher.tick());
  console.log(`publication of the last slot and the hour: ${(rest / 1000).toFixed(2)} s`);
  await panels(reading, 'all published', start);

  await optimise(writing);
  await panels(reading, 'all published, merged', start);
  await bytes(clickHouse, peerRows);
  console.log(`peak resident memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
}

async function fill(client: ClickHouseClient, start: number, spans: number, random: boolean): Promise<void> {
  // A realistic key is one of 200 of its service, the first ones far more often; its dimensions follow from it.
  const key = random ? 'rand64(2)' : 'toUInt64(200 * pow(rand(2) / 4294967296, 3)) + 1000 * (pod % 25)';
  const part = (salt: number, count: number): string => `cityHash64(key, ${salt}) % ${count}`;
  const columns: Record<string, string> = {
    minute: `toDateTime(${start / 1000} + intDiv(number, ${spans / 60}) * 60, 'UTC')`,
    span: 'rand64(1)',
    derivation: '1',
    instance: `concat('instance-', toString(pod))`,
    service: `concat('service-', toString(pod % 25))`,
    environment: `'production'`,
    version: `if(pod % 7 = 0, '1.4.0', '1.3.2')`,
    api_host: `concat('api-', toString(pod % 25), '.example.com')`,
    route: `concat('/v1/resource-', toString(${part(1, 30)}), '/:id')`,
    kind: `if(${part(2, 3)} = 0, 'preflight', 'actual')`,
    verdict: `if(${part(3, 12)} = 0, 'blocked', 'allowed')`,
    reason: `if(${part(3, 12)} = 0, ['acao_missing', 'acao_mismatch', 'header_not_allowed'][1 + ${part(4, 3)}], '')`,
    detail: `if(${part(3, 12)} = 0 AND ${part(4, 3)} = 2, 'x-request-id', '')`,
    origin: `concat('https://app-', toString(${part(5, 300)}), '.example.com')`,
    method: `['GET', 'GET', 'GET', 'POST', 'PUT'][1 + ${part(6, 5)}]`,
    requested_headers: `if(${part(2, 3)} = 0, ['authorization', 'content-type', 'authorization,content-type'][1 + ${part(7, 3)}], '')`,
    credentials: `['unknown', 'included', 'omitted'][1 + ${part(8, 3)}]`,
    allow_origin: `if(${part(3, 12)} = 0, 'absent', 'exact')`,
    allow_credentials: `${part(9, 2)} = 0`,
    vary_origin: 'true',
    site: `'cross-site'`,
    browser: 'true',
    status_code: `if(${part(2, 3)} = 0, 204, 200)`,
    observer: `'service'`,
    source: `'instrumented'`,
    max_age: `if(${part(2, 3)} = 0, 600, -1)`,
    decisions: '1 + rand(3) % 200',
    total: 'number',
    clients: 'rand64(4)',
  };
  const slots = 6;
  for (let slot = 0; slot < slots; slot++) {
    const list = SPAN_COLUMNS.map(([name]) => `${columns[name]} AS ${name}`).join(', ');
    await client.command({
      query: `INSERT INTO decision_spans (${names(SPAN_COLUMNS)}) SELECT ${list}
        FROM (SELECT number, number % 500 AS pod, ${key} AS key
          FROM numbers(${Math.round((slot * spans) / slots)}, ${Math.round(spans / slots)}))`,
    });
    await client.command({
      query: `INSERT INTO slot_writes SELECT toDateTime(${start / 1000 + slot * 600}, 'UTC'), 1, 1`,
    });
  }
}

/** The shapes in which dashboards and reports ask. */
const PANELS: Readonly<Record<string, string>> = {
  'decisions by minute and verdict': `SELECT minute, verdict, sum(decisions) FROM origin_usage WHERE {window} GROUP BY minute, verdict ORDER BY minute`,
  'one service by minute and verdict': `SELECT minute, verdict, sum(decisions) FROM origin_usage WHERE {window} AND service = 'service-7' GROUP BY minute, verdict ORDER BY minute`,
  'blocked by reason, five minutes': `SELECT toStartOfFiveMinutes(minute) AS time, reason, sum(decisions) FROM origin_usage WHERE {window} AND verdict = 'blocked' GROUP BY time, reason ORDER BY time`,
  'top blocked origins of a service': `SELECT origin, reason, detail, sum(decisions) AS n FROM origin_usage WHERE {window} AND service = 'service-7' AND verdict = 'blocked' GROUP BY origin, reason, detail ORDER BY n DESC LIMIT 20`,
  'services with block ratio': `SELECT service, sum(decisions) AS n, sumIf(decisions, verdict = 'blocked') / n AS ratio, uniq(origin) FROM origin_usage WHERE {window} GROUP BY service ORDER BY n DESC`,
  'failed preflights by route and version': `SELECT route, version, sum(decisions) AS n FROM origin_usage WHERE {window} AND service = 'service-7' AND kind = 'preflight' AND verdict = 'blocked' GROUP BY route, version ORDER BY n DESC LIMIT 20`,
  'client prefixes of an origin': `SELECT origin, bitCount(groupBitOr(clients)) AS bits FROM origin_usage WHERE {window} AND service = 'service-7' GROUP BY origin ORDER BY bits DESC LIMIT 20`,
  'by hour': `SELECT hour, verdict, sum(decisions) FROM origin_usage_hourly WHERE hour >= {hour} GROUP BY hour, verdict`,
  completeness: `SELECT hour, service, received, observed FROM completeness WHERE hour >= {hour}`,
};

async function panels(client: ClickHouseClient, state: string, start: number): Promise<void> {
  console.log(`\npanels over the hour, ${state} (ms)             p50    p95`);
  const all: number[] = [];
  for (const [name, sql] of Object.entries(PANELS)) {
    const query = sql
      .replace(
        '{window}',
        `minute >= toDateTime(${start / 1000}, 'UTC') AND minute < toDateTime(${start / 1000 + 3600}, 'UTC')`,
      )
      .replace('{hour}', `toDateTime(${start / 1000}, 'UTC')`);
    const times: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) times.push(await timed(() => select(client, query)));
    all.push(...times);
    console.log(`  ${name.padEnd(50)} ${quantile(times, 0.5)} ${quantile(times, 0.95)}`);
  }
  console.log(`  ${'all of them'.padEnd(50)} ${quantile(all, 0.5)} ${quantile(all, 0.95)}`);
}

async function optimise(client: ClickHouseClient): Promise<void> {
  for (const table of ['decision_spans', 'usage_minutes', 'usage_hours']) {
    await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
  }
}

async function bytes({ writing, reading }: ClickHouse, peerRows: number): Promise<void> {
  const peer = await timed(() => fillPeer(writing, peerRows));
  const [counts] = await select<{ decisions: number; spans: number }>(
    reading,
    'SELECT sum(decisions) AS decisions, count() AS spans FROM decision_spans',
  );
  const sizes = await select<{ table: string; rows: number; bytes: number }>(
    reading,
    `SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase()
       AND table IN ('decision_spans', 'usage_minutes', 'usage_hours', '${PEER_TABLE}')
     GROUP BY table ORDER BY table`,
  );
  const decisions = counts?.decisions ?? 0;
  console.log(`\n${decisions} decisions in ${counts?.spans} spans; on disk, merged:`);
  for (const { table, rows, bytes } of sizes) {
    const each = table === PEER_TABLE ? rows : decisions;
    console.log(
      `  ${table.padEnd(16)} ${String(rows).padStart(10)} rows ${(bytes / 2 ** 20).toFixed(1).padStart(8)} MiB` +
        ` ${(bytes / rows).toFixed(1).padStart(6)} B a row ${(bytes / each).toFixed(4).padStart(9)} B a decision`,
    );
  }
  console.log(
    `  (${PEER_TABLE}: a sample of ${peerRows} rows, one a decision; ${(peer / 1000).toFixed(0)} s)`,
  );
}

async function select<Row>(client: ClickHouseClient, query: string): Promise<Row[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

function quantile(times: readonly number[], q: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return value.toFixed(0).padStart(6);
}
