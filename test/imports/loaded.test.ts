import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './imports.ts';

/** Writes the URL of every module that is loaded, of CommonJS ones too, to standard error. */
const PRELOAD = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  import { writeSync } from 'node:fs';
  registerHooks({ load(url, context, next) { writeSync(2, url + '\\n'); return next(url, context); } });
`)}`;

function loadedBy(args: readonly string[], input = '', exitCode = 0): string {
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--import', PRELOAD, join(ROOT, 'cli/bin.ts'), ...args],
    { encoding: 'utf8', input, env: { PATH: process.env.PATH } },
  );
  expect(status).toBe(exitCode);
  return stderr;
}

test('--help loads no library but the parser of the command line', () => {
  const loaded = loadedBy(['--help']);
  expect(loaded).toContain('commander');
  expect(loaded).not.toMatch(/node_modules\/(?!commander)/);
});

test('explain loads nothing that talks to Kafka or ClickHouse', () => {
  const loaded = loadedBy(
    ['explain', '-'],
    "Access to fetch at 'https://api.example/items' from origin 'https://app.example' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.",
    1,
  );
  expect(loaded).toContain('explain/recordings/');
  expect(loaded).not.toMatch(/kafkajs|lz4|snappy|chdb|@clickhouse|fastify|\/collector\//);
});
