import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prometheusFiles } from '../grafana/grafana-files.ts';

const ROOT = join(import.meta.dirname, '../..');
const dashboard = readFileSync(join(import.meta.dirname, 'dashboard.json'), 'utf8');
const rules = readFileSync(join(import.meta.dirname, 'rules.yml'), 'utf8');

test('the committed dashboard is that of the definition', () => {
  const remedy = 'node cli/bin.ts dashboards export --prometheus dashboards/prometheus';
  expect(prometheusFiles().get('dashboard.json') === dashboard, `it is stale: ${remedy}`).toBe(true);
});

test('every panel has a description and a unit, and none names a data source', () => {
  const { panels } = JSON.parse(dashboard) as {
    panels: {
      id: number;
      type: string;
      description?: string;
      datasource?: { uid: string };
      fieldConfig?: { defaults: { unit?: string } };
    }[];
  };
  for (const { type, description, datasource, fieldConfig } of panels.filter(({ type }) => type !== 'row')) {
    expect(description, type).toMatch(/\.$/);
    expect(fieldConfig?.defaults.unit).toBeDefined();
    expect(datasource?.uid).toBe('${' + 'datasource}');
  }
});

test('rules and dashboard ask for metrics that the processes export', () => {
  const sources = ['analyzer', 'collector', 'server'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .map((file) => readFileSync(join(ROOT, folder, file), 'utf8')),
  );
  const exported = new Set(
    [...sources.join('\n').matchAll(/'(originscope_\w+|cors_\w+_total)'/g)].map(([, name]) => name),
  );
  const asked = [...`${dashboard}\n${rules}`.matchAll(/\b(?<!:)(originscope_\w+|cors_\w+_total)\b/g)].map(
    ([, name = '']) => name.replace(/_bucket$/, ''),
  );
  expect(asked.length).toBeGreaterThan(10);
  expect([...new Set(asked)].filter((name) => !exported.has(name))).toEqual([]);
});

for (const args of [
  ['check', 'rules', '--lint=all', 'rules.yml'],
  ['test', 'rules', 'rules.test.yml'],
]) {
  test(`promtool ${args.join(' ')}`, ({ skip }) => {
    if (promtool(['--version']) === undefined) skip('promtool is missing: apt-get install prometheus');
    expect(promtool(args)).toContain('SUCCESS');
  });
}

/** What it printed; undefined when it is not installed. */
function promtool(args: readonly string[]): string | undefined {
  try {
    return execFileSync('promtool', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
