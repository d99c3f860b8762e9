import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { RETENTION } from '../clickhouse/retention.ts';
import { startCollector } from '../collector/collector.ts';
import { Ledger } from '../examples/browsers/ledger.ts';
import { exercise } from '../examples/exercise.ts';
import { selfCheck } from '../examples/self-check.ts';
import { temporaryDirectory } from './support/clickhouse.ts';

const BIN = fileURLToPath(new URL('../cli/bin.ts', import.meta.url));

/** Runs the demo with its own temporary directory, so that leftovers are detected. */
async function startDemo(...flags: string[]) {
  const temporary = await temporaryDirectory();
  const child = spawn(process.execPath, [BIN, 'demo', ...flags], {
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  return { child, output, ended: once(child, 'close'), leftovers: () => readdirSync(temporary) };
}

async function untilSaid(demo: { output: { text: string }; ended: Promise<unknown> }, words: RegExp) {
  let hasEnded = false;
  void demo.ended.then(() => {
    hasEnded = true;
  });
  await expect
    .poll(() => hasEnded || words.test(demo.output.text), { timeout: 240_000, interval: 50 })
    .toBe(true);
  expect(demo.output.text).toMatch(words);
}

// It imports eight days first.
vi.setConfig({ testTimeout: 300_000 });

test('the demo shows the report, agrees with its browsers, and leaves nothing behind', async () => {
  const demo = await startDemo('--exit', '--seconds', '3');
  const [code] = await demo.ended;
  // One page, for the header that a deployment dropped in the history; the launch is a ticket.
  expect(demo.output.text.match(/^PAGE .*$/gm)).toEqual([expect.stringContaining('critical breakage')]);
  expect(demo.output.text).toContain('calls with the header traceparent that were allowed before');
  expect(demo.output.text).toContain('Add traceparent to Access-Control-Allow-Headers');
  expect(demo.output.text).toMatch(/^TICKET {2}info legitimate shift .*\n.*https:\/\/outlet\.shop\.example/m);
  expect(demo.output.text).toMatch(/\(header traceparent\) goes on in the live traffic: \d+ more blocked/);
  expect(demo.output.text).toMatch(/catalog +[\d,]+ /);
  expect(demo.output.text).toContain('Blocked by browsers');
  expect(demo.output.text).toMatch(/✔ Self-check: .*\n.* equals what ClickHouse holds, exactly\./);
  expect(demo.output.text).toMatch(/✔ originscope verify: all [\d,]+ rows of the database hold together\./);
  expect(demo.output.text).not.toContain('✘');
  expect(code).toBe(0);
  expect(demo.leftovers()).toEqual([]);
});

test('without --exit it keeps running, serves a report, and shuts down cleanly', async () => {
  const demo = await startDemo('--seconds', '1');
  await untilSaid(demo, / report --data (\S+)/);
  const [, data = ''] = / report --data (\S+)/.exec(demo.output.text) ?? [];
  const [, catalog = ''] = /(http:\/\/catalog\.localhost:\d+)/.exec(demo.output.text) ?? [];
  const port = new URL(catalog).port;

  const answer = await fetch(`http://127.0.0.1:${port}/products`, {
    headers: { host: new URL(catalog).host },
  });
  expect(answer.status).toBe(200);
  const asked = spawn(process.execPath, [BIN, 'report', '--data', data, '--json']);
  const json = (await asked.stdout.setEncoding('utf8').toArray()).join('');
  expect(JSON.parse(json).services).toHaveLength(3);

  demo.child.kill('SIGINT');
  const [code] = await demo.ended;
  expect(code).toBe(0);
  expect(demo.leftovers()).toEqual([]);
  await expect(fetch(`http://127.0.0.1:${port}/products`)).rejects.toThrow();
});

test('stopped during traffic it ends immediately and leaves nothing behind', async () => {
  const demo = await startDemo('--seconds', '60');
  await untilSaid(demo, /Three services/);
  demo.child.kill('SIGINT');
  const [code] = await demo.ended;
  expect(code).toBe(130);
  expect(demo.output.text).not.toMatch(/Error/);
  expect(demo.leftovers()).toEqual([]);
});

test('the self-check detects a ledger that differs by a single exchange', async () => {
  const collector = await startCollector({
    location: { directory: await temporaryDirectory() },
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    auth: 'token',
    retention: RETENTION,
    log: pino({ level: 'warn' }),
    now: Date.now,
  });
  onTestFinished(() => collector.close());
  const { ledger } = await exercise({
    collectorUrl: collector.url,
    millis: 1_000,
    signal: new AbortController().signal,
    realPages: false,
    now: Date.now,
  });
  expect(ledger.exchanges).toBeGreaterThan(20);
  const honest = await selfCheck(collector.clickhouse.reading, ledger);
  expect(honest).toEqual({ mismatches: [], recorded: ledger.exchanges });

  const forged = {
    service: 'catalog',
    origin: 'https://shop.example',
    kind: 'actual',
    block: null,
    includesCredentials: true,
    otherwise: null,
    showsCredentials: true,
  } as const;
  ledger.note(forged);
  const [mismatch, ...others] = (await selfCheck(collector.clickhouse.reading, ledger)).mismatches;
  expect(others).toEqual([]);
  expect(mismatch).toMatchObject({ service: 'catalog', origin: 'https://shop.example', verdict: 'allowed' });
  expect(mismatch?.experienced).toBe((mismatch?.recorded ?? 0) + 1);

  // An exchange that only ClickHouse has is as wrong.
  expect((await selfCheck(collector.clickhouse.reading, new Ledger())).mismatches).not.toEqual([]);
});
