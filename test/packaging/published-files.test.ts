import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiReport } from './api-report.ts';
import { buildBoth, type Packed, pack } from './pack.ts';

const ROOT = join(import.meta.dirname, '../..');
const INSTRUMENTATION = join(ROOT, 'instrumentation');

let directory: string;
let instrumentation: Packed;
let originscope: Packed;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'originscope-published-'));
  await buildBoth();
  instrumentation = await pack(INSTRUMENTATION, directory);
  originscope = await pack(ROOT, directory);
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the package of the instrumentation', () => {
  test('resolves with its types in ECMAScript modules, CommonJS and bundlers', async () => {
    const tarball = await readFile(join(directory, instrumentation.filename));
    const checked = await checkPackage(createPackageFromTarballData(tarball));
    if (!checked.types) throw new Error('the package has no types');
    expect(Object.keys(checked.entrypoints)).toEqual(['.', './register', './attributes', './package.json']);
    // TypeScript's resolution for Node 10, which does not know "exports".
    const problems = checked.problems.filter(
      (problem) => !('resolutionKind' in problem && problem.resolutionKind === 'node10'),
    );
    expect(problems).toEqual([]);
  });

  /** Update with `npx vitest run test/packaging/published-files.test.ts -u`; a change is a change for its users. */
  test.each(['index', 'attributes'])(
    'has the public types of instrumentation/api/%s.api.md',
    async (name) => {
      const report = apiReport(INSTRUMENTATION, `dist/esm/${name}.d.ts`);
      await expect(report).toMatchFileSnapshot(join(INSTRUMENTATION, `api/${name}.api.md`));
    },
  );

  test('is small: unpacked, and loaded', () => {
    expect(instrumentation.unpackedSize).toBeLessThan(700_000);
    const { own, all } = loadedBytes(join(INSTRUMENTATION, 'dist/esm/register.js'));
    expect(own).toBeGreaterThan(10_000);
    expect(own).toBeLessThan(230_000);
    expect(all).toBeLessThan(500_000);
  });

  test('has code, types and documentation, and nothing else', () => {
    const kinds = instrumentation.files.map(({ path }) =>
      path.replace(/^dist\/.*?(\.d)?(\.\w+)$/, 'dist/*$1$2'),
    );
    expect([...new Set(kinds)].sort()).toEqual([
      'LICENSE',
      'README.md',
      'dist/*.d.ts',
      'dist/*.js',
      'dist/*.json',
      'package.json',
    ]);
  });
});

test('the package originscope has built code with its source maps, what that reads, and nothing of tests', () => {
  const paths = originscope.files.map(({ path }) => path);
  const kinds = paths.map((path) => path.replace(/^dist\/.*?(\.\w+)+$/, 'dist/*$1'));
  expect([...new Set(kinds)].sort()).toEqual([
    'LICENSE',
    'README.md',
    'cli/originscope.js',
    'dist/*.js',
    'dist/*.map',
    'dist/*.yml',
    'package.json',
  ]);
  expect(paths.filter((path) => /\.test\.|^dist\/test\//.test(path))).toEqual([]);
  expect(originscope.unpackedSize).toBeLessThan(6_000_000);
});

test('publint has no objection to either', async () => {
  for (const { filename } of [instrumentation, originscope]) {
    const { buffer } = new Uint8Array(await readFile(join(directory, filename)));
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  }
});

/** The bytes of all modules that a module loads in a new process, and of those that are the package's own. */
function loadedBytes(module: string): { readonly own: number; readonly all: number } {
  const preload = `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module';
    import { writeSync } from 'node:fs';
    registerHooks({ load(url, context, next) {
      const loaded = next(url, context);
      if (url.startsWith('file:')) writeSync(1, JSON.stringify([url, loaded.source?.length ?? 0]) + '\\n');
      return loaded;
    } });
  `)}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', preload, module], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  const loaded = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, number]);
  const sum = (some: readonly [string, number][]) => some.reduce((total, [, bytes]) => total + bytes, 0);
  const dist = pathToFileURL(join(INSTRUMENTATION, 'dist')).href;
  return { own: sum(loaded.filter(([url]) => url.startsWith(dist))), all: sum(loaded) };
}
