import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holderOf, takeDataDirectory } from './data-directory.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'originscope-lock-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const noWait = { now: Date.now, waitMillis: 0 };

test('the error for a second process names the holder of the directory', async () => {
  const held = await takeDataDirectory(directory, 'up', noWait);
  await expect(takeDataDirectory(directory, 'import', noWait)).rejects.toMatchObject({
    code: 'DATA_DIRECTORY_IN_USE',
    retryable: true,
    message: expect.stringContaining(`"originscope up" (process ${process.pid}`),
  });
  held.release();
  (await takeDataDirectory(directory, 'import', noWait)).release();
});

test('a holder that died without releasing is replaced', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  writeFileSync(
    join(directory, 'originscope.lock'),
    JSON.stringify({ pid: child.pid, role: 'up', since: '2026-01-01T00:00:00Z', started: '1' }),
  );
  expect(holderOf(directory)).toBeUndefined();
  const held = await takeDataDirectory(directory, 'up', noWait);
  expect(holderOf(directory)).toMatchObject({ pid: process.pid, role: 'up' });
  held.release();
});

test('a later process with the pid of the dead holder is not mistaken for it', async () => {
  writeFileSync(
    join(directory, 'originscope.lock'),
    JSON.stringify({ pid: process.pid, role: 'up', since: '2026-01-01T00:00:00Z', started: 'another boot' }),
  );
  expect(holderOf(directory)).toBeUndefined();
});

test('a file that is not a valid lock is ignored', async () => {
  writeFileSync(join(directory, 'originscope.lock'), 'half a lo');
  (await takeDataDirectory(directory, 'up', noWait)).release();
});

test('a process waits for a short reader', async () => {
  const reader = await takeDataDirectory(directory, 'report', noWait);
  const waiting = takeDataDirectory(directory, 'up', { now: Date.now, waitMillis: 10_000 });
  reader.release();
  const held = await waiting;
  expect(holderOf(directory)?.role).toBe('up');
  held.release();
});

test('the control endpoint is announced to this user only', async () => {
  const held = await takeDataDirectory(directory, 'up', noWait);
  held.announce({ url: 'http://127.0.0.1:1', token: 'secret' });
  expect(holderOf(directory)?.control).toEqual({ url: 'http://127.0.0.1:1', token: 'secret' });
  const lock = join(directory, 'originscope.lock');
  expect(statSync(lock).mode & 0o077).toBe(0);
  held.release();
  expect(() => readFileSync(lock)).toThrow();
});
