import { expect, test } from 'vitest';
import { openTestClickHouse, rows, temporaryDirectory } from '../test/support/clickhouse.ts';
import { clusterDialect } from './cluster.ts';
import { openClickHouse } from './connection.ts';
import { singleServer } from './dialect.ts';
import { allSteps, migrate, requireSchema } from './migrations.ts';
import { applyRetention, RETENTION } from './retention.ts';
import { SCHEMA } from './schema.ts';

test('a second start finds the schema and changes nothing', async () => {
  const clickHouse = await openTestClickHouse();
  const ledger = 'SELECT * FROM schema_steps ORDER BY version';
  const before = await rows(clickHouse, ledger);
  await migrate(clickHouse.writing);
  expect(await rows(clickHouse, ledger)).toEqual(before);
  expect(before).toHaveLength(SCHEMA.length);
  await requireSchema(clickHouse.reading);
});

test('an interrupted step is run again', async () => {
  const clickHouse = await openTestClickHouse();
  await clickHouse.writing.command({ query: 'DELETE FROM schema_steps WHERE version > 1' });
  await clickHouse.writing.command({ query: 'DROP TABLE usage_hours' });
  await migrate(clickHouse.writing);
  expect(await rows(clickHouse, 'SELECT count() AS count FROM usage_hours')).toEqual([{ count: 0 }]);
  await requireSchema(clickHouse.reading);
});

test('data of a newer version is rejected by name and not modified', async () => {
  const clickHouse = await openTestClickHouse();
  const newer = [...SCHEMA, { version: 99, name: 'things to come', statements: () => [] }];
  await migrate(clickHouse.writing, { steps: newer });
  await expect(migrate(clickHouse.writing)).rejects.toMatchObject({
    code: 'SCHEMA_NEWER',
    message: expect.stringContaining('things to come'),
  });
  await expect(requireSchema(clickHouse.reading)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
});

test('a step that differs from when it was applied is rejected', async () => {
  const clickHouse = await openTestClickHouse();
  const [first, ...rest] = SCHEMA;
  if (first === undefined) throw new Error('no schema');
  const edited = [{ ...first, statements: () => ['SELECT 1'] }, ...rest];
  await expect(migrate(clickHouse.writing, { steps: edited })).rejects.toMatchObject({
    code: 'SCHEMA_CHANGED',
  });
});

test('a reader detects missing or older data without changing it', async () => {
  const clickHouse = await openClickHouse({ directory: await temporaryDirectory() });
  try {
    await expect(requireSchema(clickHouse.reading)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
    await migrate(clickHouse.writing, { steps: SCHEMA.slice(0, 1) });
    await expect(requireSchema(clickHouse.reading)).rejects.toMatchObject({ code: 'SCHEMA_OLDER' });
  } finally {
    await clickHouse.close();
  }
});

test('another retention is applied at the next start', async () => {
  const clickHouse = await openTestClickHouse();
  const ttl = `SELECT extract(engine_full, 'TTL (.*) SETTINGS') AS ttl FROM system.tables
    WHERE database = currentDatabase() AND name IN ('usage_minutes', 'usage_hours') ORDER BY name`;
  await applyRetention(clickHouse.writing, RETENTION);
  expect(await rows(clickHouse, ttl)).toEqual([
    { ttl: 'hour + toIntervalMonth(13)' },
    { ttl: 'minute + toIntervalDay(30)' },
  ]);
  await applyRetention(clickHouse.writing, { rawHours: 72, minutesDays: 60, hoursMonths: 25 });
  expect(await rows(clickHouse, ttl)).toEqual([
    { ttl: 'hour + toIntervalMonth(25)' },
    { ttl: 'minute + toIntervalDay(60)' },
  ]);
  await migrate(clickHouse.writing);
  await expect(applyRetention(clickHouse.writing, { ...RETENTION, rawHours: 24 })).rejects.toMatchObject({
    code: 'RETENTION_INVALID',
  });
});

test.each([
  ['single-server', singleServer],
  ['cluster', clusterDialect({ cluster: 'production', database: 'originscope' })],
])('the applied statements are the reviewed ones: %s', async (name, dialect) => {
  const clickHouse = await openTestClickHouse();
  const blocks: string[] = [];
  for (const { name, statements } of allSteps(dialect)) {
    blocks.push(`-- ${name}`);
    for (const statement of statements) {
      // Formatted by the engine, which also parses it. The checksum in it is of the exact text.
      const [formatted] = await rows<{ sql: string }>(
        clickHouse,
        'SELECT formatQuery({statement:String}) AS sql',
        {
          statement,
        },
      );
      blocks.push(`${formatted?.sql};`);
    }
  }
  await expect(`${blocks.join('\n\n')}\n`).toMatchFileSnapshot(`./reviewed/${name}.sql`);
});
