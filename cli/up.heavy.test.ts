import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../test/support/clickhouse.ts';

const BIN = join(import.meta.dirname, 'bin.ts');
const ENV = { PATH: process.env.PATH };

test('up on a port that is taken says so and leaves nothing behind', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  onTestFinished(() => void blocker.close());
  const { port } = blocker.address() as AddressInfo;
  const data = join(await temporaryDirectory(), 'data');
  const { status, stderr } = spawnSync(
    process.execPath,
    [BIN, 'up', '--data', data, '--port', String(port)],
    {
      encoding: 'utf8',
      env: ENV,
    },
  );
  expect(status).toBe(1);
  expect(stderr).toContain(`[PORT_TAKEN] Port ${port}`);
  expect(existsSync(data)).toBe(false);
});

test('up says at its end in a sentence what was written, and logs nothing', async () => {
  const data = join(await temporaryDirectory(), 'data');
  const up = spawn(process.execPath, [BIN, 'up', '--data', data, '--port', '0'], { env: ENV });
  let stderr = '';
  up.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: up.stdout })) {
    lines.push(line);
    if (line.startsWith('Then: ')) up.kill('SIGTERM');
  }
  expect(lines.slice(-2)).toEqual([
    'Shutting down: finishing what was received…',
    'Stopped. 0 spans written.',
  ]);
  expect(stderr).not.toContain('"msg":"down"');
});

test('the command that up suggests runs as it stands, and finds the data of up', async () => {
  const data = join(await temporaryDirectory(), 'my data');
  const up = spawn(process.execPath, [BIN, 'up', '--data', data, '--port', '0'], {
    env: ENV,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(up, 'exit');
  onTestFinished(async () => {
    up.kill();
    await exited;
  });
  let suggested: string | undefined;
  for await (const line of createInterface({ input: up.stdout })) {
    suggested = /^Then: (.*)$/.exec(line)?.[1];
    if (suggested !== undefined) break;
  }
  const report = spawnSync('sh', ['-c', suggested ?? 'false'], {
    encoding: 'utf8',
    env: ENV,
  });
  expect({ status: report.status, stderr: report.stderr }).toEqual({ status: 0, stderr: '' });

  // The running process answers the commands of the analyzer, too.
  const ask = (...args: string[]) =>
    spawnSync(process.execPath, [BIN, ...args, '--data', data], { encoding: 'utf8', env: ENV });
  expect(ask('incidents', 'list', '--json')).toMatchObject({ status: 0, stdout: '[]\n', stderr: '' });
  expect(ask('backtest', '--since', '1h', '--json')).toMatchObject({ status: 0, stdout: '[]\n', stderr: '' });
  for (const args of [
    ['show', 'abc'],
    ['accept', 'abc', '--why', 'planned'],
  ]) {
    expect(ask('incidents', ...args)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('[INCIDENT_UNKNOWN]'),
    });
  }
});
