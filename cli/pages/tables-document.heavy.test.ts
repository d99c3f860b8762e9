import { expect, test } from 'vitest';
import { openTestClickHouse, rows } from '../../test/support/clickhouse.ts';
import { type DatabaseColumn, tablesDocument } from './tables-document.ts';

test('docs/reference/tables.md says what the database has, and its query runs (after a change: npx vitest run this-file -u)', async () => {
  const clickHouse = await openTestClickHouse();
  const columns = await rows<DatabaseColumn>(
    clickHouse,
    'SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position',
  );
  const document = tablesDocument(columns);
  await expect(document).toMatchFileSnapshot('../../docs/reference/tables.md');
  const [, query = ''] = /```sql\n([\s\S]*?)```/.exec(document) ?? [];
  expect(await rows(clickHouse, query)).toEqual([]);
});
