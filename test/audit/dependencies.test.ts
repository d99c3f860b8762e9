import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import instrumentation from '../../instrumentation/package.json' with { type: 'json' };
import metadata from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');

/** The shipped sources with their imports. */
const sources = ['cli', 'collector', 'instrumentation/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$/.test(file))
    .map((file) => {
      const text = readFileSync(join(ROOT, folder, file), 'utf8');
      return {
        file: join(folder, file),
        imports: [...text.matchAll(/ from '([^']+)'/g)].map((m) => m[1] ?? ''),
      };
    }),
);

test('the page about dependencies has a row for each shipped package, and no other', () => {
  const shipped = Object.keys({
    ...metadata.dependencies,
    ...metadata.optionalDependencies,
    ...instrumentation.peerDependencies,
  });
  const table = page.slice(page.indexOf('## What is shipped'), page.indexOf('## kafkajs'));
  const rows = [...table.matchAll(/^\| (`[^|]+`) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(rows.sort()).toEqual(shipped.sort());
});

test('the page lists every patched private module of kafkajs and its patch, and the version is exact', () => {
  const patched = sources.flatMap(({ file, imports }) =>
    imports
      .filter((name) => name.startsWith('kafkajs/'))
      .map((name) => [file, name.slice('kafkajs/'.length)] as const),
  );
  expect(patched.length).toBeGreaterThan(0);
  for (const [file, module] of patched) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${module}\``));
    expect(row, module).toContain(file);
  }
  expect(metadata.dependencies.kafkajs).toMatch(/^\d+\.\d+\.\d+$/);
});

test('kafkajs is used in one folder only, except for a type', () => {
  const knowing = sources.filter(({ imports }) => imports.some((name) => /^kafkajs($|\/)/.test(name)));
  const elsewhere = knowing.map(({ file }) => file).filter((file) => !file.startsWith('collector/kafka/'));
  expect(elsewhere).toEqual(['cli/dead-letters.ts']);
  expect(page).toContain('cli/dead-letters.ts');
});
