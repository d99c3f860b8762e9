import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSettings, variableOf } from './read-settings.ts';
import { SETTINGS, type SettingName } from './table.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'originscope-settings-'));
  file = join(directory, 'originscope.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('flags win over the environment, the environment over the file, the file over defaults', () => {
  writeFileSync(file, '{"port": 1, "host": "::1", "keepMinutes": 9}');
  const settings = readSettings(
    { config: file, port: '3' },
    { ORIGINSCOPE_PORT: '2', ORIGINSCOPE_HOST: '127.0.0.2' },
  );
  expect(settings).toMatchObject({ port: 3, host: '127.0.0.2', keepMinutes: 9, keepHours: 13 });
});

test('the settings are frozen', () => {
  expect(Object.isFrozen(readSettings({}, {}))).toBe(true);
});

test('a misspelt variable or key is an error that lists the known ones', () => {
  expect(() => readSettings({}, { ORIGINSCOPE_PROT: '1' })).toThrow(
    'ORIGINSCOPE_PROT is not a known setting',
  );
  writeFileSync(file, '{"prot": 1}');
  expect(() => readSettings({ config: file }, {})).toThrow('"prot"');
});

test('the variable of the instrumentation may stand beside ours', () => {
  expect(readSettings({}, { ORIGINSCOPE_ENDPOINT: 'http://127.0.0.1:4318' }).port).toBe(4318);
});

test('a wrong value names its source and what was received, but never a secret', () => {
  expect(() => readSettings({ port: 'x' }, {})).toThrow(/^--port: .*received "x"/);
  expect(() => readSettings({}, { ORIGINSCOPE_TOKEN: 'short' })).toThrow(/^ORIGINSCOPE_TOKEN: (?!.*short).*/);
});

test('a password in a URL is refused without being repeated', () => {
  const url = 'https://me:hunter2@clickhouse.example:8443/originscope';
  const read = () => readSettings({}, { ORIGINSCOPE_CLICKHOUSE: url });
  expect(read).toThrow(/^ORIGINSCOPE_CLICKHOUSE: user and password have settings of their own/);
  expect(read).not.toThrow(/hunter2/);
});

test('every secret can come from a file', () => {
  writeFileSync(file, 'a-long-secret\n');
  expect(
    readSettings(
      {},
      {
        ORIGINSCOPE_TOKEN_FILE: file,
        ORIGINSCOPE_KAFKA_PASSWORD_FILE: file,
        ORIGINSCOPE_CLICKHOUSE_PASSWORD_FILE: file,
      },
    ),
  ).toMatchObject({
    token: 'a-long-secret',
    kafkaPassword: 'a-long-secret',
    clickhousePassword: 'a-long-secret',
  });
});

test('the README lists every setting with its flag, variable, default and meaning', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');
  const rows = Object.entries(SETTINGS).map(([name, setting]) => {
    const preset = 'default' in setting ? `\`${setting.default}\`` : '–';
    return `| \`${setting.flag}\` | \`${variableOf(name as SettingName)}\` | ${preset} | ${setting.description} |`;
  });
  for (const row of rows) expect(readme).toContain(row);
});
