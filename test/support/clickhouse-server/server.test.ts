import { Readable } from 'node:stream';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { expect, onTestFinished, test } from 'vitest';
import { CERT } from '../tls.ts';
import { startClickHouseServer } from './start.ts';

type Config = Exclude<Parameters<typeof createClient>[0], undefined>;

function clientOf(url: string, config: Config = {}): ClickHouseClient {
  const client = createClient({ url, log: { level: 127 }, ...config });
  onTestFinished(() => client.close());
  return client;
}

async function select(client: ClickHouseClient, query: string, query_params?: Record<string, unknown>) {
  const result = await client.query({ query, format: 'JSONEachRow', ...(query_params && { query_params }) });
  return result.json<Record<string, unknown>>();
}

/** (UInt32, String) in RowBinary. */
function row(number: number, text: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(number);
  head[4] = text.length;
  return Buffer.concat([head, text]);
}

/** Includes characters that would end a statement or a line, and invalid UTF-8. */
const BYTES = Buffer.from(['\n\n', ";\n'\\\0\r\n\n", '\xff\xc0 FORMAT x\n\n\n'].join(''), 'latin1');

test('the unmodified client queries, inserts text and binary data, and gets errors with their codes', async () => {
  const server = await startClickHouseServer();
  const client = clientOf(server.url, { compression: { request: true, response: true } });
  expect(await client.ping()).toEqual({ success: true });
  await client.command({ query: 'CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree ORDER BY a' });
  await client.insert({ table: 't', values: [{ a: 1, b: "o'clock\n" }], format: 'JSONEachRow' });
  await client.insert({ table: 't', values: [], format: 'JSONEachRow' });
  const { stream, summary } = await client.exec({
    query: 'INSERT INTO t (a, b) FORMAT RowBinary',
    values: Readable.from([Buffer.concat([row(10, BYTES), row(3, BYTES)])]),
  });
  stream.destroy();
  expect(summary?.written_rows).toBe('2');
  await client.command({ query: `INSERT INTO t (a, b) FORMAT JSONCompactColumns\n[[4], ["é"]]` });
  expect(
    await select(client, 'SELECT a, hex(b) AS b FROM t WHERE a > {least:UInt32} ORDER BY a', { least: 2 }),
  ).toEqual([
    { a: 3, b: BYTES.toString('hex').toUpperCase() },
    { a: 4, b: 'C3A9' },
    { a: 10, b: BYTES.toString('hex').toUpperCase() },
  ]);
  expect(await select(client, 'SELECT {text:String} AS text', { text: "\\ ' ` \t" })).toEqual([
    { text: "\\ ' ` \t" },
  ]);
  await expect(client.command({ query: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
    code: '60',
    type: 'UNKNOWN_TABLE',
  });
  await expect(
    clientOf(server.url, { database: 'none' }).command({ query: 'SELECT 1' }),
  ).rejects.toMatchObject({
    code: '81',
  });
});

test('settings and parameters apply to their request only', async () => {
  const server = await startClickHouseServer();
  const client = clientOf(server.url);
  const limit = "SELECT getSetting('max_result_rows') AS rows";
  const clickhouse_settings = { max_result_rows: '7' } as const;
  const result = await client.query({ query: limit, clickhouse_settings, format: 'JSONEachRow' });
  expect(await result.json()).toEqual([{ rows: 7 }]);
  expect(await select(client, limit)).toEqual([{ rows: 0 }]);
  await select(client, 'SELECT {x:UInt8}', { x: 1 });
  await expect(select(client, 'SELECT {x:UInt8}')).rejects.toMatchObject({ code: '456' });
});

test('statements run concurrently', async () => {
  const server = await startClickHouseServer();
  const client = clientOf(server.url);
  const order: string[] = [];
  await Promise.all([
    select(client, 'SELECT sleep(0.4)').then(() => order.push('slow')),
    select(client, 'SELECT 1').then(() => order.push('quick')),
  ]);
  expect(order).toEqual(['quick', 'slow']);
});

test('users have passwords, some are read-only, and TLS is possible', async () => {
  const server = await startClickHouseServer({
    tls: true,
    users: [
      { name: 'writer', password: 'right' },
      { name: 'reader', password: '', readonly: 2 },
    ],
  });
  const tls = { ca_cert: Buffer.from(CERT) };
  const writer = clientOf(server.url, { username: 'writer', password: 'right', tls });
  await writer.command({ query: 'CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a' });
  const stranger = clientOf(server.url, { username: 'writer', password: 'wrong', tls });
  await expect(stranger.command({ query: 'SELECT 1' })).rejects.toMatchObject({ code: '516' });
  const reader = clientOf(server.url, { username: 'reader', tls });
  expect(await select(reader, 'SELECT count() AS rows FROM t')).toEqual([{ rows: 0 }]);
  await expect(reader.command({ query: 'INSERT INTO t VALUES (1)' })).rejects.toMatchObject({ code: '164' });
});

test('it fails as configured, and keeps its data after a kill', async () => {
  const server = await startClickHouseServer();
  const client = clientOf(server.url);
  const count = async () => select(client, 'SELECT toUInt32(count()) AS rows FROM t');
  const insert = () => client.command({ query: 'INSERT INTO t VALUES (1)' });
  await client.command({ query: 'CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a' });

  await server.fault({ kind: 'cut', match: '^insert' });
  await expect(insert()).rejects.toThrow();
  expect(await count()).toEqual([{ rows: 0 }]);
  await server.fault({ kind: 'lose_answer', match: '^insert' });
  await expect(insert()).rejects.toThrow();
  expect(await count()).toEqual([{ rows: 1 }]);
  await server.fault({ kind: 'exception', code: 252, match: '^insert', times: 2 });
  await expect(insert()).rejects.toMatchObject({ code: '252' });
  await expect(insert()).rejects.toMatchObject({ code: '252' });
  await insert();
  expect((await server.faults()).map(({ fired }) => fired)).toEqual([1, 1, 2]);
  await server.fault({ kind: 'exception', code: 241, times: null });
  await expect(insert()).rejects.toMatchObject({ code: '241' });
  await server.mend();

  await server.kill();
  await expect(count()).rejects.toThrow();
  await server.restart();
  expect(await count()).toEqual([{ rows: 2 }]);
});
