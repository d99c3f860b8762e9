import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ALERT_RULES } from '../definitions/alert-rules.ts';
import { DASHBOARDS } from '../definitions/dashboards.ts';
import type { DashboardLink } from '../definitions/definition.ts';
import { DATASOURCE_UID, grafanaFiles } from './grafana-files.ts';

const PROVISIONING = join(import.meta.dirname, '../provisioning');

interface GridPos {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** As far as the tests look at what Grafana gets. */
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: GridPos;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly datasource: { readonly uid: string }; readonly rawSql: string }[];
  readonly panels?: readonly Panel[];
  readonly options?: { readonly legend?: { readonly showLegend: boolean } };
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly thresholds: { readonly steps: readonly unknown[] };
    };
    readonly overrides: readonly {
      readonly matcher: { readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
}

interface Rendered {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly graphTooltip: number;
  readonly links: readonly { readonly keepTime: boolean; readonly includeVars: boolean }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

const files = grafanaFiles();
const rendered = [...files]
  .filter(([path]) => /^dashboards\/originscope\/.*\.json$/.test(path))
  .map(([, text]) => JSON.parse(text) as Rendered);
const allPanels = ({ panels }: Rendered): Panel[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? [...(panel.panels ?? [])] : [panel]));

test('the committed files are those of the definitions', () => {
  const committed = readdirSync(PROVISIONING, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.(json|yaml)$/.test(path) && !path.startsWith('datasources'),
  );
  const remedy = 'node cli/bin.ts dashboards export --grafana dashboards/provisioning';
  expect(committed.sort(), `renew them: ${remedy}`).toEqual([...files.keys()].sort());
  for (const [path, text] of files) {
    expect(readFileSync(join(PROVISIONING, path), 'utf8') === text, `${path} is stale: ${remedy}`).toBe(true);
  }
});

test('the data source that they select is the one that is provisioned beside', () => {
  const { datasources } = parse(readFileSync(join(PROVISIONING, 'datasources/clickhouse.yaml'), 'utf8')) as {
    datasources: [{ uid: string }];
  };
  expect(datasources[0].uid).toBe(DATASOURCE_UID);
});

test('another data source, folder and tracing backend appear wherever they belong', () => {
  const other = grafanaFiles({
    datasourceUid: 'warehouse',
    folder: 'Web $platform',
    traceUrl: 'https://traces.example/',
  });
  const text = [...other.values()].join('\n');
  expect(text).not.toMatch(/"(uid|datasourceUid|value)": "originscope"/);
  expect(parse(other.get('dashboards/originscope.yaml') ?? '')).toMatchObject({
    // Grafana makes one $ of two.
    providers: [{ folder: 'Web $$platform' }],
  });
  expect(text).toContain('"url": "https://traces.example/${' + '__value.raw}"');
  const alerting = JSON.parse(other.get('alerting/originscope.json') ?? '{}');
  expect(alerting).toHaveProperty('groups.0.folder', 'Web $$platform');
  expect(alerting).toHaveProperty('groups.0.rules.0.data.0.datasourceUid', 'warehouse');
  expect([...files.values()].join('\n')).not.toContain('Open the trace');
});

test('Kubernetes makes a ConfigMap of each file that Grafana needs, small enough to be applied', () => {
  const { configMapGenerator } = parse(files.get('kustomization.yaml') ?? '') as {
    configMapGenerator: { name: string; files: [string]; options: { labels: Record<string, string> } }[];
  };
  const json = [...files.keys()].filter((path) => path.endsWith('.json'));
  expect(configMapGenerator.map(({ files: [path] }) => path).sort()).toEqual(json.sort());
  for (const { name, files: generated, options } of configMapGenerator) {
    expect(name).toMatch(/^[a-z-]{1,253}$/);
    expect(Buffer.byteLength(files.get(generated[0]) ?? '')).toBeLessThan(256 * 1024 - 1024);
    const isDashboard = generated[0].startsWith('dashboards/');
    expect(options.labels).toEqual(isDashboard ? { grafana_dashboard: '1' } : { grafana_alert: '1' });
  }
});

describe.each(rendered.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_, dashboard) => {
  const panels = allPanels(dashboard);

  test('asks one question, shares the crosshair, and links to the others with time and variables', () => {
    expect(dashboard.description).toMatch(/^[A-Z].*\?$/);
    expect(dashboard.graphTooltip).toBe(1);
    expect(dashboard.links).toMatchObject([{ keepTime: true, includeVars: true }]);
  });

  test('names no data source but the one that its variable selects', () => {
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    for (const { datasource, targets = [] } of panels) {
      expect(datasource?.uid).toBe('${' + 'datasource}');
      for (const target of targets) expect(target.datasource.uid).toBe('${' + 'datasource}');
    }
  });

  test('says of every panel what it shows, in which unit, and never puts data into a title', () => {
    for (const { title, description, type, fieldConfig, options } of panels) {
      expect(title).toMatch(/^[A-Z][^$]*$/);
      expect(description, title).toMatch(/^[A-Z][^$]*\.$/);
      expect(fieldConfig?.defaults.thresholds.steps.length, title).toBeGreaterThan(0);
      if (type === 'table') {
        const units = fieldConfig?.overrides.filter(({ properties }) =>
          properties.some(({ id }) => id === 'unit' || id === 'custom.hidden'),
        );
        expect(units?.length, title).toBe(fieldConfig?.overrides.length);
      } else {
        expect(fieldConfig?.defaults.unit, title).toBeDefined();
      }
      if (type === 'timeseries') expect(options?.legend?.showLegend, title).toBe(true);
    }
  });

  test('has panels with ids of their own that do not overlap', () => {
    const ids = [...panels, ...dashboard.panels].map(({ id }) => id);
    expect(new Set(ids).size).toBe(new Set([...panels, ...dashboard.panels]).size);
    expect(ids.every((id) => Number.isInteger(id))).toBe(true);
    const cells = [...panels, ...dashboard.panels.filter(({ type }) => type === 'row')].flatMap(
      ({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });
});

test('links lead to dashboards that have the variables', () => {
  const links = DASHBOARDS.flatMap((from) =>
    from.rows
      .flatMap(({ panels }) => panels)
      .flatMap((panel) => (panel.kind === 'table' ? panel.columns : []))
      .flatMap(({ link }): [typeof from, DashboardLink][] => (link === undefined ? [] : [[from, link]])),
  );
  expect(links.length).toBeGreaterThan(0);
  for (const [from, { uid, set, keep }] of links) {
    const names = (dashboard: typeof from | undefined) => dashboard?.variables.map(({ name }) => name);
    const target = names(DASHBOARDS.find((dashboard) => dashboard.uid === uid));
    expect(target, uid).toEqual(expect.arrayContaining([...Object.keys(set), ...keep]));
    expect(names(from)).toEqual(expect.arrayContaining([...keep]));
  }
});

/** Raw rows of published time are in none of them; usage_minutes and usage_hours only say how far back they reach. */
const READABLE = [
  ...['origin_usage', 'origin_usage_hourly', 'usage_published_hours', 'open_since'],
  ...['blocked_requests', 'completeness', 'left_out'],
  ...['incidents', 'signals', 'incident_verdicts', 'analyzed_minutes'],
  ...['slots', 'slot_states', 'published_slots', 'system.disks'],
];

test('statements read views, and no raw rows', () => {
  const statements = [
    ...DASHBOARDS.flatMap(({ rows, variables, annotations = [] }) => [
      ...rows.flatMap(({ panels }) => panels.map(({ sql }) => sql)),
      ...variables.flatMap((variable) => (variable.kind === 'query' ? [variable.sql] : [])),
      ...annotations.map(({ sql }) => sql),
    ]),
    ...ALERT_RULES.map(({ sql }) => sql),
  ];
  for (const sql of statements) {
    const oldest = sql.replaceAll(/\(SELECT min\((minute|hour)\) AS \w+ FROM usage_(minutes|hours)\)/g, '');
    const read = [...oldest.matchAll(/\b(?:FROM|(?<!ARRAY )JOIN)\s+([a-z_.]+)/g)].map(([, table]) => table);
    expect(read.length).toBeGreaterThan(0);
    expect(read.filter((table) => !READABLE.includes(table ?? ''))).toEqual([]);
  }
});

test('alert rules point at panels that exist, and have ids and titles of their own', () => {
  for (const { panel } of ALERT_RULES) {
    const dashboard = rendered.find(({ uid }) => uid === panel.uid);
    expect(dashboard && allPanels(dashboard).map(({ id }) => id)).toContain(panel.id);
  }
  for (const key of ['uid', 'title'] as const) {
    expect(new Set(ALERT_RULES.map((rule) => rule[key])).size).toBe(ALERT_RULES.length);
  }
  // Grafana rejects longer ones.
  for (const { uid } of ALERT_RULES) expect(uid.length).toBeLessThanOrEqual(40);
});
