import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { launchClickHouseServer } from '../../test/support/clickhouse-server/launch.ts';
import { type DashboardData, fillForDashboards } from '../../test/support/dashboard-data.ts';
import { expandQuery, type QueryContext } from '../../test/support/grafana-macros.ts';
import { ALERT_RULES } from '../definitions/alert-rules.ts';
import { DASHBOARDS } from '../definitions/dashboards.ts';
import type { Dashboard, Panel, TablePanel, Unit } from '../definitions/definition.ts';
import { SERVICE_DASHBOARD } from '../definitions/service.ts';
import { WHAT_DIFFERS } from '../definitions/what-differs.ts';
import { grafanaSql } from './grafana-sql.ts';
import { hiddenColumns } from './render-panel.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const RANGES = [
  ['15 minutes', 15 * MINUTE, MINUTE],
  ['7 days', 7 * DAY, 30 * MINUTE],
  ['13 months', 395 * DAY, DAY],
] as const;

/** Names that are SQL, Grafana's variables and macros, parameters of ClickHouse, or HTML. */
const HOSTILE = [
  `https://x\\' OR 1=1 -- " \${service} $__timeFilter(minute) [[origin]] {from:DateTime('UTC')} <img src=x onerror=alert(1)>\n0`,
  'https://x.example\\',
];

interface Column {
  readonly name: string;
  readonly type: string;
}

interface Result {
  readonly meta: readonly Column[];
  readonly data: readonly Readonly<Record<string, unknown>>[];
}

type Ask = (query: string, query_params?: Record<string, unknown>) => Promise<Result>;

const READER = { username: 'originscope_reader', password: randomBytes(8).toString('hex') };

interface Place {
  readonly data: DashboardData;
  readonly ask: Ask;
  close(): Promise<void>;
}

interface Filled {
  readonly directory: string;
  readonly data: DashboardData;
}

/** Filled once, by the engine in this process; a server opens the same directory afterwards. */
let filling: Promise<Filled> | undefined;

async function fill(): Promise<Filled> {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-'));
  const clickHouse = await openClickHouse({ directory });
  await migrate(clickHouse.writing);
  const data = await fillForDashboards(clickHouse, HOSTILE);
  await clickHouse.close();
  return { directory, data };
}

afterAll(async () => {
  const filled = await filling;
  if (filled !== undefined) await rm(filled.directory, { recursive: true, force: true });
});

async function openEmbedded({ directory, data }: Filled): Promise<Place> {
  const { reading, close } = await openClickHouse({ directory });
  return {
    data,
    ask: async (query, query_params = {}) =>
      (await reading.query({ query, query_params, format: 'JSON' })).json() as Promise<Result>,
    close,
  };
}

/** As the reader of a ClickHouse server, who may change no settings (`readonly = 1`). */
async function openServer({ directory, data }: Filled): Promise<Place> {
  const server = await launchClickHouseServer({
    directory,
    users: [{ name: READER.username, password: READER.password, readonly: 1 }],
  });
  const log = { level: ClickHouseLogLevel.OFF };
  const reader = createClient({ url: server.url, ...READER, log });
  return {
    data,
    ask: async (query, query_params = {}) =>
      (await reader.query({ query, query_params, format: 'JSON' })).json() as Promise<Result>,
    async close() {
      await reader.close();
      await server.stop();
    },
  };
}

type Selection = Readonly<Record<string, readonly string[]>>;

/** As the dashboard opens: all of several, the first of one. */
async function openingSelection(ask: Ask, dashboard: Dashboard, context: QueryContext): Promise<Selection> {
  const selection: Record<string, readonly string[]> = {};
  for (const variable of dashboard.variables) {
    if (variable.kind === 'choice') selection[variable.name] = [String(variable.choices[0]?.value)];
    else if (variable.multi) selection[variable.name] = ['0'];
    else {
      const options = await ask(sqlOf(dashboard, variable.sql, { ...context, variables: selection }));
      selection[variable.name] = [String(options.data[0]?.value)];
    }
  }
  return selection;
}

function sqlOf(dashboard: Dashboard, sql: string, context: QueryContext): string {
  return expandQuery(grafanaSql(sql, dashboard.variables), context);
}

const panelsOf = (dashboard: Dashboard): readonly Panel[] => dashboard.rows.flatMap(({ panels }) => panels);

describe.each([
  ['the embedded engine', openEmbedded],
  ['a ClickHouse server, as the reader', openServer],
])('on %s', (_place, open) => {
  let place: Place;
  beforeAll(async () => {
    filling ??= fill();
    place = await open(await filling);
    return () => place.close();
  });

  describe.each(DASHBOARDS.map((dashboard) => [dashboard.title, dashboard] as const))(
    '%s',
    (_, dashboard) => {
      test.each(RANGES)('shows something in every panel over %s', async (_name, length, intervalMillis) => {
        const context = { from: place.data.now - length, to: place.data.now, intervalMillis };
        const variables = {
          ...(await openingSelection(place.ask, dashboard, context)),
          // Nothing is kept of the 13 months before the last 13 months.
          ...(length > 200 * DAY && { period: ['0'] }),
        };
        for (const panel of panelsOf(dashboard)) {
          const result = await place.ask(sqlOf(dashboard, panel.sql, { ...context, variables }));
          fits(panel, result);
          const values = result.data.flatMap((row) => Object.values(row));
          expect(
            values.filter((value) => value !== null && value !== ''),
            `${panel.title}: nothing to show`,
          ).not.toEqual([]);
        }
        for (const annotation of dashboard.annotations ?? []) {
          const { meta, data: rows } = await place.ask(
            sqlOf(dashboard, annotation.sql, { ...context, variables }),
          );
          expect(meta.map(({ name }) => name).filter((name) => name !== 'timeEnd')).toEqual([
            'time',
            'text',
            'tags',
          ]);
          for (const { name, type } of meta) {
            expect(type, name).toMatch(TYPES[name.startsWith('time') ? 'time' : 'text']);
          }
          expect(rows.length, annotation.name).toBeGreaterThan(0);
        }
      });

      test('has variables whose values are numbers, with names beside them', async () => {
        const context = { from: place.data.now - DAY / 2, to: place.data.now, intervalMillis: 1000 };
        const all = Object.fromEntries(dashboard.variables.map(({ name }) => [name, ['0']]));
        for (const variable of dashboard.variables) {
          if (variable.kind !== 'query') continue;
          const { meta, data: rows } = await place.ask(
            sqlOf(dashboard, variable.sql, { ...context, variables: all }),
          );
          expect(meta).toEqual([
            { name: 'value', type: expect.stringMatching(TYPES.text) },
            { name: 'text', type: expect.stringMatching(TYPES.text) },
          ]);
          expect(rows.length, variable.name).toBeGreaterThan(0);
          for (const { value } of rows) expect(value).toMatch(/^\d+$/);
        }
      });
    },
  );

  test('statements with bound parameters find the same as with what Grafana pastes', async () => {
    const { now } = place.data;
    const context = { from: now - DAY / 2, to: now, intervalMillis: MINUTE };
    for (const dashboard of [SERVICE_DASHBOARD, WHAT_DIFFERS]) {
      const variables = await openingSelection(place.ask, dashboard, context);
      const bound = {
        ...Object.fromEntries(
          dashboard.variables.map(({ kind, name }) => {
            const values = variables[name] ?? [];
            return [name, kind === 'query' ? `[${values.join(',')}]` : values[0]];
          }),
        ),
        from: Math.floor(context.from / 1000),
        to: Math.floor(context.to / 1000),
        interval: MINUTE / 1000,
      };
      for (const { title, sql } of panelsOf(dashboard)) {
        const pasted = await place.ask(sqlOf(dashboard, sql, { ...context, variables }));
        const { meta, data } = await place.ask(sql, bound);
        expect({ meta, data }, title).toEqual({ meta: pasted.meta, data: pasted.data });
      }
    }
  });

  test('alert rules find what is wrong, by service', async () => {
    const fired = new Map<string, unknown[]>();
    for (const { title, sql, above, windowSeconds } of ALERT_RULES) {
      const context = {
        from: place.data.now - windowSeconds * 1000,
        to: place.data.now,
        intervalMillis: 60_000,
      };
      const { meta, data: rows } = await place.ask(expandQuery(grafanaSql(sql, []), context));
      const labels = meta.filter(({ name }) => name !== 'value');
      for (const { type } of labels) expect(type).toMatch(TYPES.text);
      expect(meta.find(({ name }) => name === 'value')?.type).toMatch(/^U?(Int|Float)\d+$/);
      fired.set(
        title,
        rows
          .filter(({ service, value }) => Number(value) > above && !HOSTILE.includes(String(service)))
          .map(({ service = 'all' }) => service),
      );
    }
    expect(Object.fromEntries(fired)).toEqual({
      'High blocked share': ['checkout'],
      'Failed preflights have multiplied': ['checkout'],
      'The error budget burns fast': ['checkout'],
      'The error budget burns': ['checkout'],
      'Decisions are missing': ['checkout', 'search'],
      // The newest one is four minutes old, and one slot is not published.
      'No decisions arrive': [],
      'Slots are not published': [],
      'The analyzer has stopped': ['all'],
    });
  });

  test('names that are SQL, variables or HTML are numbers in statements, and text in results', async () => {
    const context = { from: place.data.now - DAY / 2, to: place.data.now, intervalMillis: MINUTE };
    const { data: found } = await place.ask(
      `SELECT toString(sipHash64(origin)) AS hash FROM origin_usage WHERE origin IN {names:Array(String)} GROUP BY origin`,
      { names: HOSTILE },
    );
    const hashes = found.map(({ hash }) => String(hash));
    expect(hashes).toHaveLength(HOSTILE.length);
    const shown = new Set<unknown>();
    for (const dashboard of DASHBOARDS) {
      const variables = Object.fromEntries(
        dashboard.variables.map(({ name, ...variable }) => {
          if (variable.kind === 'choice') return [name, [String(variable.choices[0]?.value)]];
          return [name, ['reason', 'class'].includes(name) ? ['0'] : hashes];
        }),
      );
      const texts = [
        ...dashboard.variables.flatMap((variable) => (variable.kind === 'query' ? [variable.sql] : [])),
        ...(dashboard.annotations ?? []).map(({ sql }) => sql),
        ...panelsOf(dashboard).map(({ sql }) => sql),
      ];
      for (const sql of texts) {
        const { data: rows } = await place.ask(sqlOf(dashboard, sql, { ...context, variables }));
        for (const { origin = HOSTILE[0], service = HOSTILE[0] } of rows) {
          // As they are, and nothing of any other.
          expect(HOSTILE).toContain(origin);
          expect(HOSTILE).toContain(service);
          shown.add(origin).add(service);
        }
      }
    }
    expect(shown).toEqual(new Set(HOSTILE));
  });
});

/** Asserts that Grafana can show the columns in a panel of this kind. */
function fits(panel: Panel, { meta, data: rows }: Result): void {
  const types = Object.fromEntries(meta.map(({ name, type }) => [name, type]));
  switch (panel.kind) {
    case 'stat':
      expect(meta, panel.title).toHaveLength(1);
      expect(rows, panel.title).toHaveLength(1);
      expect(meta[0]?.type, panel.title).toMatch(TYPES[panel.unit]);
      break;
    case 'time_series': {
      expect(meta[0], panel.title).toEqual({ name: 'time', type: "DateTime('UTC')" });
      const isLong = 'series' in types;
      if (isLong) {
        expect(Object.keys(types), panel.title).toEqual(['time', 'series', 'value']);
        expect(types.series, panel.title).toMatch(TYPES.text);
      }
      for (const { name, type } of meta.slice(isLong ? 2 : 1)) {
        expect(type, `${panel.title}: ${name}`).toMatch(TYPES[panel.unit]);
      }
      const times = rows.map(({ time }) => String(time));
      expect(times, panel.title).toEqual(times.toSorted());
      const keys = rows.map(({ time, series }) => `${time} ${series}`);
      expect(new Set(keys).size, `${panel.title}: two values at one time`).toBe(keys.length);
      break;
    }
    case 'table':
      fitsTable(panel, types);
  }
}

function fitsTable({ title, columns }: TablePanel, types: Readonly<Record<string, string>>): void {
  const shown = columns.map(({ name }) => name);
  expect([...shown, ...hiddenColumns(columns)].sort(), title).toEqual(Object.keys(types).sort());
  expect(
    Object.keys(types).filter((name) => shown.includes(name)),
    title,
  ).toEqual(shown);
  for (const { name, unit } of columns) expect(types[name], `${title}: ${name}`).toMatch(TYPES[unit]);
  for (const hidden of hiddenColumns(columns)) expect(types[hidden], title).toMatch(TYPES.text);
}

const NUMBER = /^(Nullable\()?(U?Int|Float)\d+\)?$/;
const TEXT = /^(LowCardinality\(String\)|String|Enum8.*)$/;
const TYPES: Readonly<Record<Unit, RegExp>> = {
  count: NUMBER,
  per_minute: NUMBER,
  ratio: NUMBER,
  factor: NUMBER,
  seconds: NUMBER,
  bytes: NUMBER,
  status: NUMBER,
  text: TEXT,
  time: /^(Nullable\()?DateTime(64\(\d, |\()'UTC'\)\)?$/,
};
