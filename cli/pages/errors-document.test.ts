import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../core/error-codes.ts';
import { errorsDocument } from './errors-document.ts';

const DOCUMENT = '../../docs/errors.md';
const ROOT = new URL('../../', import.meta.url).pathname;

test('docs/errors.md says what the table says (after a change: npx vitest run --project unit this-file -u)', async () => {
  await expect(errorsDocument()).toMatchFileSnapshot(DOCUMENT);
});

test('the document has a section for each code, and none for another', () => {
  const document = readFileSync(new URL(DOCUMENT, import.meta.url), 'utf8');
  const sections = [...document.matchAll(/^## `(\w+)`$/gm)].map(([, code]) => code);
  expect(sections).toEqual([...ERROR_CODES].sort());
});

test('every code is raised somewhere', () => {
  const sources = globSync(
    '{core,explain,clickhouse,reports,collector,analyzer,dashboards,server,cli}/**/*.ts',
    {
      cwd: ROOT,
    },
  ).filter((file) => !file.endsWith('.test.ts'));
  const raised = new Set(
    sources.flatMap((file) =>
      [...readFileSync(ROOT + file, 'utf8').matchAll(/new OriginscopeError\(\s*'(\w+)'/g)].map(
        ([, code]) => code,
      ),
    ),
  );
  expect(ERROR_CODES.filter((code) => !raised.has(code))).toEqual([]);
});
