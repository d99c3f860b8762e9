import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { requireSchema } from '../clickhouse/migrations.ts';
import { SCHEMA } from '../clickhouse/schema.ts';
import { newDatabase } from '../test/support/clickhouse.ts';
import { startClickHouseServer } from '../test/support/clickhouse-server/start.ts';
import { start } from '../test/support/process.ts';

const BIN = join(import.meta.dirname, 'bin.ts');

async function migrating(url: string, ...args: string[]) {
  const child = start(process.execPath, [BIN, 'migrate', '--clickhouse', url, ...args]);
  const lines: string[] = [];
  for (let line = await next(); line !== undefined; line = await next()) lines.push(line);
  const { code, stderr } = await child.ended;
  return { code, stderr, said: lines.join('\n') };

  function next(): Promise<string | undefined> {
    return child.line().catch(() => undefined);
  }
}

test('a server gets its database and schema once, by however many at once', async () => {
  const url = newDatabase(await startClickHouseServer());
  const [one, other] = await Promise.all([migrating(url), migrating(url)]);
  expect([one.code, other.code]).toEqual([0, 0]);
  expect([one.said, other.said].toSorted()).toEqual([
    `Done: ${['ledger', ...SCHEMA.map(({ name }) => name)].join(', ')}`,
    'Nothing to do',
  ]);
  const client = createClient({ url });
  await requireSchema(client);
  await client.close();

  const kept = await migrating(url, '--keep-minutes', '60', '--json');
  expect(JSON.parse(kept.said)).toMatchObject({ dryRun: false, steps: [{ name: 'retention' }] });
  expect(await migrating(url, '--keep-minutes', '60')).toMatchObject({ said: 'Nothing to do' });
});

test('a dry run changes nothing, and what it prints does the same by hand', async () => {
  const server = await startClickHouseServer();
  const url = newDatabase(server);
  const planned = await migrating(url, '--dry-run', '--keep-hours', '24');
  expect(planned).toMatchObject({ code: 0, stderr: '' });
  expect((await migrating(url, '--dry-run', '--keep-hours', '24')).said).toBe(planned.said);

  const statements = planned.said.split(/;\n/).filter((statement) => statement.trim() !== '');
  for (const [index, query] of statements.entries()) {
    const client = createClient({ url: index === 0 ? server.url : url });
    await client.command({ query });
    await client.close();
  }
  const after = await migrating(url, '--dry-run', '--keep-hours', '24');
  expect(after).toMatchObject({ code: 0, said: '', stderr: 'Nothing to do\n' });
});
