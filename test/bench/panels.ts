import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ClickHouseClient } from '@clickhouse/client';
import { names, SPAN_COLUMNS, USAGE_DIMENSIONS } from '../../clickhouse/columns.ts';
import { type ClickHouse, openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { DASHBOARDS } from '../../dashboards/definitions/dashboards.ts';
import type { Dashboard } from '../../dashboards/definitions/definition.ts';
import { grafanaSql } from '../../dashboards/grafana/grafana-sql.ts';
import { expandQuery } from '../support/grafana-macros.ts';
import { fillPeer, PEER_TABLE } from './support/otel-traces-peer.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAYS = 30;
const SERVICES = 200;
const ORIGINS = 5_000;
/** Published rows of 30 days, twenty decisions each: a billion. */
const ROWS = 50_000_000;
const DECISIONS_A_ROW = 20;
const RANGES = [
  ['1 hour', HOUR, 60],
  ['24 hours', DAY, 300],
  ['30 days', DAYS * DAY, 7200],
] as const;

/**
 * Every panel of every dashboard over 30 days of published usage, as the dashboard opens: all services where several
 * can be selected, else the busiest one. Beside them the questions of the overview asked of `otel_traces`.
 * `--scale 0.1` for a tenth of the rows; `--peer` for how many rows `otel_traces` gets; `--directory` to keep the
 * data for another run.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      scale: { type: 'string', default: '1' },
      repeats: { type: 'string', default: '5' },
      peer: { type: 'string', default: '2000000' },
      directory: { type: 'string' },
    },
  });
  const rows = Math.round(ROWS * Number(values.scale));
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'originscope-bench-'));
  const isFilled = values.directory !== undefined && existsSync(directory);
  const clickHouse = await openClickHouse({ directory });
  try {
    await migrate(clickHouse.writing);
    console.log(`load average ${loadavg()[0]?.toFixed(1)}`);
    if (!isFilled) {
      const filled = await timed(() => fill(clickHouse.writing, rows, Number(values.peer)));
      console.log(`${rows} published rows in ${(filled / 1000).toFixed(0)} s`);
    }
    await mutated(clickHouse.reading);
    const now = await endOfUsage(clickHouse.reading);
    for (const [name, length, interval] of RANGES) {
      await measure(
        clickHouse.reading,
        { name, from: now - length, to: now - 1, interval },
        Number(values.repeats),
      );
    }
    await measurePeer(clickHouse, rows, Number(values.peer), Number(values.repeats));
    console.log(`load average ${loadavg()[0]?.toFixed(1)}`);
  } finally {
    await clickHouse.close();
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/** What a publisher would have left behind, written without one. */
async function fill(client: ClickHouseClient, rows: number, peerRows: number): Promise<void> {
  const now = Math.floor(Date.now() / HOUR) * HOUR;
  const begin = now - DAYS * DAY;
  const part = (salt: number, count: number): string => `cityHash64(key, ${salt}) % ${count}`;
  const isBlocked = `${part(3, 25)} = 0`;
  const isPreflight = `${part(2, 4)} = 0`;
  const columns: Readonly<Record<string, string>> = {
    service: `concat('service-', toString(service_number))`,
    environment: `'production'`,
    version: `concat('1.', toString(intDiv(day * 3 + service_number, 7)), '.0')`,
    api_host: `concat('api-', toString(service_number), '.example.com')`,
    route: `concat('/v1/resource-', toString(${part(1, 30)}), '/:id')`,
    kind: `if(${isPreflight}, 'preflight', 'actual')`,
    verdict: `if(${isBlocked}, 'blocked', 'allowed')`,
    reason: `if(${isBlocked}, ['acao_missing', 'acao_mismatch', 'header_not_allowed'][1 + ${part(4, 3)}], '')`,
    detail: `if(${isBlocked} AND ${part(4, 3)} = 2, 'x-request-id', '')`,
    // A page calls some ten kinds of requests of a service.
    origin: `concat('https://app-', toString(cityHash64(intDiv(key, 10), 5) % ${ORIGINS}), '.example.com')`,
    method: `['GET', 'GET', 'GET', 'POST', 'PUT'][1 + ${part(6, 5)}]`,
    requested_headers: `if(${isPreflight}, ['authorization', 'content-type', 'authorization,content-type'][1 + ${part(7, 3)}], '')`,
    credentials: `['unknown', 'included', 'omitted'][1 + ${part(8, 3)}]`,
    allow_origin: `if(${isBlocked}, 'absent', 'exact')`,
    allow_credentials: `${part(9, 2)} = 0`,
    vary_origin: 'true',
    site: `'cross-site'`,
    browser: 'true',
    status_code: `if(${isPreflight}, 204, 200)`,
    observer: `'service'`,
    source: `'instrumented'`,
    max_age: `if(${isPreflight}, 600, -1)`,
    outermost: 'true',
  };
  const usage = USAGE_DIMENSIONS.map(([name]) => `${columns[name]} AS ${name}`).join(', ');
  const usageNames = names(USAGE_DIMENSIONS);
  const aDay = Math.round(rows / DAYS);
  for (let day = 0; day < DAYS; day++) {
    await client.command({
      query: `INSERT INTO usage_minutes (slot, run, minute, ${usageNames}, decisions, clients)
        SELECT toStartOfTenMinutes(minute), 1, minute, ${usageNames}, 1 + rand(3) % ${2 * DECISIONS_A_ROW}, bitShiftLeft(1::UInt64, rand(4) % 64)
        FROM (SELECT ${day} AS day, toDateTime(${(begin + day * DAY) / 1000} + (number % 1440) * 60, 'UTC') AS minute,
          toUInt64(${SERVICES} * pow(rand(1) / 4294967296, 2)) AS service_number,
          toUInt64(500 * pow(rand(2) / 4294967296, 3)) + 1000 * service_number AS key, ${usage}
          FROM numbers(${aDay}))`,
    });
    await client.command({
      query: `INSERT INTO usage_hours (hour, run, first_seen, last_seen, ${usageNames}, decisions, clients)
        SELECT toStartOfHour(minute) AS hour, 1, min(minute), max(minute), ${usageNames}, sum(decisions), groupBitOr(clients)
        FROM usage_minutes WHERE minute >= ${(begin + day * DAY) / 1000} AND minute < ${(begin + (day + 1) * DAY) / 1000}
        GROUP BY hour, ${usageNames}`,
    });
  }
  const slots = `SELECT arrayJoin(range(${begin / 1000}, ${now / 1000}, 600)) AS second`;
  for (const query of [
    `INSERT INTO published_slots (slot, run, published_at, spans, decisions, fingerprint)
     SELECT toDateTime(second, 'UTC'), 1, toDateTime(second + 720, 'UTC'), 1000, 20000, 1 FROM (${slots})`,
    `INSERT INTO published_hours (hour, run, published_at, slot_runs, decisions)
     SELECT toStartOfHour(toDateTime(second, 'UTC')) AS hour, 1, now64(6), groupArray((toDateTime(second, 'UTC'), toUInt64(1))), 1
     FROM (${slots}) GROUP BY hour`,
    `INSERT INTO completeness_hours (hour, run, service, instance, received, total)
     SELECT hour, 1, service, 'one', sum(decisions), 1000000000 + toUnixTimestamp(hour) * 10 FROM usage_hours GROUP BY hour, service`,
    // Of raw rows only what blocked_requests and otel_traces are made of; their slots are published.
    `INSERT INTO blocked_spans (${names(SPAN_COLUMNS)}, time, path)
     SELECT ${rawColumns()}, minute, route FROM usage_minutes WHERE verdict = 'blocked' LIMIT 1000000`,
    `INSERT INTO decision_spans (${names(SPAN_COLUMNS)})
     SELECT ${rawColumns()} FROM usage_minutes LIMIT ${3 * peerRows}`,
  ]) {
    await client.command({ query });
  }
}

/** Until parts that were there before a step of the schema have its indexes and projections. */
async function mutated(client: ClickHouseClient): Promise<void> {
  for (;;) {
    const [found] = await select<{ left: number }>(
      client,
      'SELECT count() AS left FROM system.mutations WHERE NOT is_done',
    );
    if (Number(found?.left ?? 0) === 0) return;
    await delay(1000);
  }
}

/** End of the last hour with usage. */
async function endOfUsage(client: ClickHouseClient): Promise<number> {
  const [found] = await select<{ hour: number }>(
    client,
    'SELECT toUnixTimestamp(max(hour)) AS hour FROM usage_hours',
  );
  return (found?.hour ?? 0) * 1000 + HOUR;
}

function rawColumns(): string {
  const own: Readonly<Record<string, string>> = {
    span: 'rand64(1)',
    derivation: '1',
    instance: `'one'`,
    total: '0',
  };
  return SPAN_COLUMNS.map(([name]) => `${own[name] ?? name} AS ${name}`).join(', ');
}

interface Range {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly interval: number;
}

async function measure(client: ClickHouseClient, range: Range, repeats: number): Promise<void> {
  const all: Timing[] = [];
  console.log(`\npanels over ${range.name} (ms)`.padEnd(61), '  p50    p95    CPU: p50 p95');
  for (const dashboard of DASHBOARDS) {
    const context = { from: range.from, to: range.to, intervalMillis: range.interval * 1000 };
    const variables: Record<string, string[]> = {};
    for (const variable of dashboard.variables) {
      if (variable.kind === 'choice') variables[variable.name] = ['1'];
      else if (variable.multi) variables[variable.name] = ['0'];
      else {
        const sql = expandQuery(grafanaSql(variable.sql, dashboard.variables), { ...context, variables });
        const [first] = await select<{ value: string }>(client, sql);
        variables[variable.name] = [first?.value ?? '0'];
      }
    }
    for (const [title, sql] of statementsOf(dashboard)) {
      const query = expandQuery(grafanaSql(sql, dashboard.variables), { ...context, variables });
      const times = await timesOf(repeats, () => select(client, query));
      all.push(...times);
      report(`${dashboard.title.replace('Originscope: ', '')}: ${title}`, times);
    }
  }
  report('all of them', all);
}

function statementsOf(dashboard: Dashboard): [title: string, sql: string][] {
  return [
    ...dashboard.rows.flatMap(({ panels }) => panels).map(({ title, sql }): [string, string] => [title, sql]),
    ...(dashboard.annotations ?? []).map(({ name, sql }): [string, string] => [name, sql]),
  ];
}

/** The questions of the overview, of a table with a row a decision. */
const PEER_QUESTIONS: Readonly<Record<string, string>> = {
  'Decisions by verdict': `SELECT toStartOfInterval(Timestamp, toIntervalSecond(300)) AS time, SpanAttributes['cors.verdict'] AS series, count()
    FROM ${PEER_TABLE} GROUP BY time, series ORDER BY time`,
  'Most blocked': `SELECT SpanAttributes['http.request.header.origin'] AS origin, ServiceName, SpanAttributes['cors.reason'] AS reason, count() AS blocked
    FROM ${PEER_TABLE} WHERE SpanAttributes['cors.verdict'] = 'blocked' GROUP BY origin, ServiceName, reason ORDER BY blocked DESC LIMIT 50`,
};

async function measurePeer({ writing, reading }: ClickHouse, rows: number, wanted: number, repeats: number) {
  const [found] = await select<{ rows: number }>(reading, 'SELECT count() AS rows FROM decision_spans');
  // The peer takes every third block of rows.
  const peerRows = Math.min(wanted, Math.floor((found?.rows ?? 0) / 3));
  await fillPeer(writing, peerRows);
  console.log(
    `\notel_traces of ${peerRows} rows, one a decision (the panels above stand for ${rows * DECISIONS_A_ROW})`,
  );
  for (const [title, query] of Object.entries(PEER_QUESTIONS)) {
    report(title, await timesOf(repeats, () => select(reading, query)));
  }
}

async function select<Row>(client: ClickHouseClient, query: string): Promise<Row[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
}

interface Timing {
  readonly wall: number;
  /** Of all threads of the process: what other work on the machine does not change much. */
  readonly cpu: number;
}

async function timesOf(repeats: number, work: () => Promise<unknown>): Promise<Timing[]> {
  const times: Timing[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const before = process.cpuUsage();
    const wall = await timed(work);
    const { user, system } = process.cpuUsage(before);
    times.push({ wall, cpu: (user + system) / 1000 });
  }
  return times;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

function report(title: string, times: readonly Timing[]): void {
  const quantile = (of: keyof Timing, q: number) => {
    const sorted = times.map((timing) => timing[of]).toSorted((a, b) => a - b);
    return (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(0).padStart(6);
  };
  const figures = (['wall', 'cpu'] as const).flatMap((of) => [quantile(of, 0.5), quantile(of, 0.95)]);
  console.log(`  ${title.padEnd(56)} ${figures.join(' ')}`);
}
