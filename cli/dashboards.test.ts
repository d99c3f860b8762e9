import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../test/support/clickhouse.ts';
import { runOriginscope } from '../test/support/originscope.ts';

test('dashboards export writes a provisioning directory for the data source and folder that are named', async () => {
  const grafana = join(await temporaryDirectory(), 'new/provisioning');
  const options = [
    '--datasource-uid',
    'warehouse',
    '--folder',
    'Web',
    '--trace-url',
    'https://tempo.example/',
  ];
  const { code, stdout } = await runOriginscope(['dashboards', 'export', '--grafana', grafana, ...options]);
  expect(code).toBe(0);
  for (const path of stdout.trim().split('\n')) expect(existsSync(path), path).toBe(true);
  expect(readdirSync(join(grafana, 'dashboards/originscope'))).toContain('originscope-overview.json');
  expect(readFileSync(join(grafana, 'dashboards/originscope.yaml'), 'utf8')).toContain('folder: "Web"');
  expect(readFileSync(join(grafana, 'alerting/originscope.json'), 'utf8')).toContain('"warehouse"');
});

test('dashboards export writes what Prometheus needs', async () => {
  const prometheus = await temporaryDirectory();
  expect((await runOriginscope(['dashboards', 'export', '--prometheus', prometheus])).code).toBe(0);
  expect(readdirSync(prometheus).sort()).toEqual(['dashboard.json', 'rules.yml']);
});

test.each([
  [['--grafana', '/dev/null/x'], 'cannot be written'],
  [['--grafana', 'x', '--trace-url', 'javascript:alert(1)//'], 'not a valid URL'],
  [[], '--grafana or --prometheus'],
])('dashboards export says of %j what is wrong', async (args, message) => {
  const { code, stderr } = await runOriginscope(['dashboards', 'export', ...args]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});
