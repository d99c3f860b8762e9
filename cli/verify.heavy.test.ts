import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openClickHouse } from '../clickhouse/connection.ts';
import { temporaryDirectory } from '../test/support/clickhouse.ts';
import { startClickHouseServer } from '../test/support/clickhouse-server/start.ts';
import { decisionRequest, decisionSpan } from '../test/support/otlp-bodies.ts';
import { start } from '../test/support/process.ts';

const BIN = join(import.meta.dirname, 'bin.ts');
const LAST_WEEK = Math.floor(Date.now() / 86_400_000 - 7) * 86_400_000;

/** Spans of a frozen slot, which an import publishes. */
function spansFile(directory: string): string {
  const file = join(directory, 'spans.jsonl');
  const spans = [1, 2, 3].map((id) => decisionSpan(String(id).padStart(16, '0'), LAST_WEEK));
  writeFileSync(file, JSON.stringify(decisionRequest(spans)));
  return file;
}

const originscope = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  start(process.execPath, [BIN, ...args], { env });

test('a data directory is verified, by the process that has it where one runs; a fault ends with 1', async () => {
  const directory = await temporaryDirectory();
  const data = ['--data', join(directory, 'data')];
  expect(await originscope(['verify', ...data]).ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no Originscope data'),
  });
  expect(await originscope(['import', ...data, spansFile(directory)]).ended).toMatchObject({ code: 0 });
  const whole = await originscope(['verify', '--json', ...data]).ended;
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(whole.stdout)).toMatchObject({ ok: true, information: [] });

  const clickHouse = await openClickHouse({ directory: join(directory, 'data') });
  await clickHouse.writing.command({ query: 'DELETE FROM usage_minutes WHERE true' });
  await clickHouse.close();
  const up = originscope(['up', '--port', '0', ...data]);
  await up.line();
  const asked = await originscope(['verify', '--json', ...data]).ended;
  const said = await originscope(['verify', ...data]).ended;
  up.kill('SIGTERM');
  expect(asked.code).toBe(1);
  const markers = JSON.parse(asked.stdout).checks.filter(({ ok }: { ok: boolean }) => !ok);
  const slot = new Date(LAST_WEEK).toISOString().replace('.000', '');
  expect(markers).toEqual([
    {
      name: 'markers',
      ok: false,
      checked: expect.any(Number),
      findings: [
        {
          sentence: expect.stringContaining(`Slot ${slot} is marked as published with 9 decisions`),
          time: slot,
        },
      ],
      furtherFindings: 0,
    },
  ]);
  expect(said).toMatchObject({ code: 1, stderr: '' });
  expect(said.stdout).toMatch(/✔ Raw spans are what was published of them \(\d+ slots?\)/);
  expect(said.stdout).toMatch(/✘ What is marked as published has rows \(\d+ markers\)\n {2}· Slot /);
  expect(said.stdout).toContain('1 finding: see above.');
  expect(await up.ended).toMatchObject({ code: 0 });
});

test('a server is verified by a user who may only read', async () => {
  const server = await startClickHouseServer({
    users: [
      { name: 'writer', password: '' },
      { name: 'reader', password: '', readonly: 2 },
    ],
  });
  const directory = await temporaryDirectory();
  const as = (name: string, ...args: string[]) =>
    originscope([...args, '--clickhouse', `${server.url}/shop`], { ORIGINSCOPE_CLICKHOUSE_USER: name }).ended;
  expect(await as('writer', 'import', spansFile(directory))).toMatchObject({ code: 0 });
  const verified = await as('reader', 'verify', '--json');
  expect(verified).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, information: [] });
});
