import { chmodSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../test/support/clickhouse.ts';
import { runOriginscope } from '../test/support/originscope.ts';
import { decisionRequest, decisionSpan } from '../test/support/otlp-bodies.ts';
import { start } from '../test/support/process.ts';

const BIN = join(import.meta.dirname, 'bin.ts');

/** What in the directory, it included, others than its owner could read, write or enter. */
function openToOthers(directory: string): string[] {
  const all = ['', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })];
  return all.filter((name) => {
    const stats = lstatSync(join(directory, name));
    return !stats.isSymbolicLink() && (stats.mode & 0o077) !== 0;
  });
}

test('no command leaves anything in the data directory that others could read, not while it runs either', async () => {
  process.umask(0o022);
  const directory = await temporaryDirectory();
  const data = join(directory, 'data');
  mkdirSync(data);
  chmodSync(data, 0o755);
  const file = join(directory, 'spans.jsonl');
  writeFileSync(
    file,
    JSON.stringify(decisionRequest([decisionSpan('00f067aa0ba902b7', Date.now() - 60_000)])),
  );

  expect(await runOriginscope(['import', '--data', data, file])).toMatchObject({ code: 0 });
  expect(readdirSync(data)).toContain('store');
  expect(openToOthers(data)).toEqual([]);

  // As a version that did not care about modes left it.
  for (const name of readdirSync(data, { recursive: true, encoding: 'utf8' })) {
    const path = join(data, name);
    if (!lstatSync(path).isSymbolicLink()) chmodSync(path, lstatSync(path).isDirectory() ? 0o755 : 0o644);
  }
  const up = start(process.execPath, [BIN, 'up', '--data', data, '--port', '0']);
  const [, url] = (await up.line()).match(/OTLP to (\S+),/) ?? [];
  const answer = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(decisionRequest([decisionSpan('00f067aa0ba902b8', Date.now())])),
  });
  expect(answer.status).toBe(200);
  expect(openToOthers(data)).toEqual([]);
  up.kill('SIGTERM');
  await up.ended;
  expect(openToOthers(data)).toEqual([]);

  expect(await runOriginscope(['report', '--data', data, '--json'])).toMatchObject({ code: 0 });
  expect(openToOthers(data)).toEqual([]);
});

test('a directory with other things in it, which others can read, is refused with what to do', async () => {
  const directory = await temporaryDirectory();
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, 'notes.txt'), '');
  const { code, stderr } = await runOriginscope(['up', '--data', directory, '--port', '0']);
  expect(code).toBe(1);
  expect(stderr).toContain('originscope: [DATA_DIRECTORY_UNUSABLE] The data directory');
  expect(stderr).toContain('not for Originscope alone');
  expect(stderr).toContain('--data');
});
