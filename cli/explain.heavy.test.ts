import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const PAGE = 'https://app.example';

/** Runs a command as a person would. */
async function originscope(args: readonly string[], input = '') {
  const child = spawn(process.execPath, ['cli/bin.ts', ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  return { stdout, stderr, code };
}

describe('originscope explain', () => {
  const line = (id: number, status: number, ...headers: [string, string][]) =>
    JSON.stringify({
      id,
      credentials: 'omit',
      exchanges: [
        {
          request: { method: 'GET', url: 'https://api.example/\u001b[31m', headers: [['Origin', PAGE]] },
          response: { status, headers },
        },
      ],
    });

  test('prints a result a line with --json', async () => {
    const { stdout, code } = await originscope(
      ['explain', '--json', '-'],
      `${line(1, 200)}\n${line(2, 200, ['Access-Control-Allow-Origin', '*'])}\n`,
    );
    const results = stdout
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one));
    expect(results).toMatchObject([
      {
        id: 1,
        verdict: 'blocked',
        reason: 'acao_missing',
        detail: '',
        decidedBy: 0,
        decisions: [{ kind: 'actual' }],
        notes: [],
      },
      { id: 2, verdict: 'allowed', reason: '', decidedBy: null },
    ]);
    expect(code).toBe(1);
  });

  test('tells by its exit code what the browser does, as probe does', async () => {
    const codeOf = async (input: string, ...args: string[]) =>
      (await originscope(['explain', ...args, '-'], input)).code;
    expect(await codeOf(line(1, 200, ['Access-Control-Allow-Origin', '*']))).toBe(0);
    expect(await codeOf(`${line(1, 200)}\n${line(2, 200, ['Access-Control-Allow-Origin', '*'])}`)).toBe(1);
    expect(await codeOf('TypeError: Failed to fetch')).toBe(2);
    expect(await codeOf('Did not find method in CORS header')).toBe(2);
    expect(await codeOf('Method PUT is not allowed by Access-Control-Allow-Methods.')).toBe(1);
    expect(await codeOf('', '--browser', 'opera')).toBe(2);
  });

  test('says where browsers differ, and with --browser what one of them does', async () => {
    const redirect = JSON.stringify({
      credentials: 'default',
      exchanges: [
        {
          request: {
            method: 'GET',
            url: 'https://app.example/a',
            headers: [
              ['Sec-Fetch-Mode', 'cors'],
              ['Sec-Fetch-Site', 'same-origin'],
            ],
          },
          response: { status: 302, headers: [['Location', 'https://u@app.example/b']] },
        },
      ],
    });
    const all = await originscope(['explain', '-'], redirect);
    expect([all.code, all.stdout]).toEqual([
      1,
      expect.stringContaining('Firefox: allowed. Safari: allowed.'),
    ]);
    const { stdout, code } = await originscope(['explain', '--browser', 'safari', '--json', '-'], redirect);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { browser: 'safari', verdict: 'allowed', differences: [] },
    ]);
  });

  test('prints a page that says what to change, and nothing that drives a terminal', async () => {
    const { stdout } = await originscope(['explain', '-'], line(1, 200));
    expect(stdout).toContain('acao_missing: no Access-Control-Allow-Origin');
    expect(stdout).toContain('Fetch standard, CORS check');
    expect(stdout).toContain(`"Access-Control-Allow-Origin: ${PAGE}"`);
    expect(stdout).not.toContain('\u001b');
  });

  test('names the file and the line that is broken, after what it could explain', async () => {
    const { stdout, stderr, code } = await originscope(
      ['explain', '--json', '-'],
      `${line(1, 200)}\n{"exchanges":\n`,
    );
    expect(stdout).toContain('acao_missing');
    expect(stderr).toContain('standard input, line 2');
    expect(code).toBe(2);
  });
});

describe('originscope probe', () => {
  const server = createServer((request, response) => {
    response.writeHead(200, request.url === '/open' ? { 'Access-Control-Allow-Origin': '*' } : {}).end('x');
  });
  let base = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test('tells by its exit code what the browser would do', async () => {
    const ask = (path: string, ...args: string[]) =>
      originscope(['probe', base + path, '--origin', PAGE, ...args]);
    const allowed = await ask('/open');
    expect([allowed.code, allowed.stdout]).toEqual([0, expect.stringContaining('allowed')]);
    const blocked = await ask('/closed', '--json');
    expect([blocked.code, JSON.parse(blocked.stdout)]).toMatchObject([
      1,
      { verdict: 'blocked', reason: 'acao_missing' },
    ]);
    const post = await ask('/open', '--method', 'POST');
    expect([post.code, post.stderr]).toEqual([2, expect.stringContaining('--send')]);
    expect((await ask('/open', '-H', 'Origin: https://other.example')).code).toBe(2);
  });

  test('says what is wrong where nobody answers', async () => {
    const { code, stderr } = await originscope(['probe', 'http://127.0.0.1:1/', '--origin', PAGE]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('[PROBE_FAILED] The probe got no answer: nothing listens at 127.0.0.1:1'),
    ]);
  });
});
