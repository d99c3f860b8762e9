import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metricsDocument } from './metrics-document.ts';

const ROOT = join(import.meta.dirname, '../..');

test('docs/reference/metrics.md says what processes register (after a change: npx vitest run --project unit this-file -u)', async () => {
  await expect(metricsDocument()).toMatchFileSnapshot('../../docs/reference/metrics.md');
});

test('every metric that the sources name is in it', () => {
  const sources = globSync('{server,collector,analyzer,cli}/**/*metrics.ts', { cwd: ROOT });
  const named = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/'((?:originscope|cors)_[a-z_]+)'/g)].map(
      ([, name]) => name,
    ),
  );
  expect(named.length).toBeGreaterThan(30);
  const documented = new Set([...metricsDocument().matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
  expect(named.filter((name) => !documented.has(name))).toEqual([]);
});
