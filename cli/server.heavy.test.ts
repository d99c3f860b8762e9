import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../test/support/clickhouse.ts';
import { startClickHouseServer } from '../test/support/clickhouse-server/start.ts';
import { decisionRequest, decisionSpan } from '../test/support/otlp-bodies.ts';
import { start } from '../test/support/process.ts';
import { CERT } from '../test/support/tls.ts';

const BIN = join(import.meta.dirname, 'bin.ts');
const PASSWORD = 'p4ssw0rd-of-the-writer';

async function post(url: string, body: object): Promise<number> {
  const response = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return response.status;
}

test('up, report and import share a server over TLS, without a data directory and without telling the password', async () => {
  const server = await startClickHouseServer({
    tls: true,
    users: [
      { name: 'writer', password: PASSWORD },
      { name: 'reader', password: '', readonly: 2 },
    ],
  });
  const directory = await temporaryDirectory();
  const [ca, secret, file] = ['ca.pem', 'password', 'past.jsonl'].map((name) => join(directory, name));
  if (ca === undefined || secret === undefined || file === undefined) throw new Error('no files');
  writeFileSync(ca, CERT);
  writeFileSync(secret, `${PASSWORD}\n`);
  const cwd = mkdtempSync(join(directory, 'empty-'));
  const run = (user: string, ...args: string[]) =>
    start(process.execPath, [BIN, ...args, '--clickhouse', `${server.url}/shop`, '--clickhouse-ca', ca], {
      cwd,
      env: {
        ORIGINSCOPE_CLICKHOUSE_USER: user,
        ...(user === 'writer' && { ORIGINSCOPE_CLICKHOUSE_PASSWORD_FILE: secret }),
      },
    });
  const report = async (user: string) => {
    const child = run(user, 'report', '--json');
    const { code, stderr, stdout } = await child.ended;
    return { code, stderr, services: code === 0 ? JSON.parse(stdout).services : [] };
  };

  const early = await report('reader');
  expect(early).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('migrate" with the same --clickhouse'),
  });

  const ups = [run('writer', 'up', '--port', '0'), run('writer', 'up', '--port', '0')];
  const urls = await Promise.all(ups.map(async (up) => /http:\/\/\S+(?=,)/.exec(await up.line())?.[0] ?? ''));
  const spans = [1, 2, 3].map((id) => decisionSpan(String(id).padStart(16, '0'), Date.now()));
  // The same spans to both, as a sender does that lost an answer: they count once.
  for (const url of urls) expect(await post(url, decisionRequest(spans))).toBe(200);
  expect((await report('reader')).services).toMatchObject([{ service: 'checkout', decisions: 9 }]);

  writeFileSync(file, JSON.stringify(decisionRequest([decisionSpan('00000000000000ff', Date.now())])));
  expect(await run('writer', 'import', file).ended).toMatchObject({ code: 0 });
  expect((await report('reader')).services).toMatchObject([{ service: 'checkout', decisions: 12 }]);

  for (const up of ups) up.kill('SIGTERM');
  for (const up of ups) {
    const { code, stderr } = await up.ended;
    expect(code).toBe(0);
    expect(stderr).not.toContain(PASSWORD);
  }
  expect(readdirSync(cwd)).toEqual([]);
});
