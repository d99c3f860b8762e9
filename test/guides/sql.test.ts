import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTestClickHouse, rows } from '../support/clickhouse.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Statements that change data or users are for clusters and repairs, and not run. */
test('every query of the documentation runs on an empty database', async () => {
  const clickHouse = await openTestClickHouse();
  const queries = globSync('docs/**/*.md', { cwd: ROOT }).flatMap((page) =>
    [...readFileSync(join(ROOT, page), 'utf8').matchAll(/```sql\n(SELECT[\s\S]*?)```/g)].map(
      ([, query = '']) => query,
    ),
  );
  expect(queries.length).toBeGreaterThan(1);
  for (const query of queries) expect(await rows(clickHouse, query), query).toEqual([]);
});
