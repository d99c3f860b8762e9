import { createServer as createHttpServer, request } from 'node:http';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createWriter, type WriterOptions } from '../collector/ingest/writer.ts';
import { createPublisher } from '../collector/publication/publisher.ts';
import { OriginscopeError } from '../core/errors.ts';
import { report } from '../reports/report.ts';
import { listen } from '../test/support/ask.ts';
import { newDatabase, openTestDatabase, rows } from '../test/support/clickhouse.ts';
import { type ClickHouseServer, launchClickHouseServer } from '../test/support/clickhouse-server/launch.ts';
import { startClickHouseServer } from '../test/support/clickhouse-server/start.ts';
import { blocked, decisionSpan, decisionSpans } from '../test/support/decision-spans.ts';
import { freePort } from '../test/support/free-port.ts';
import { CERT } from '../test/support/tls.ts';
import { type ClickHouse, openClickHouse } from './connection.ts';
import type { ServerLocation } from './location.ts';

const HOUR = 3_600_000;
const NOW = Math.floor(Date.now() / HOUR) * HOUR;
/** Closed, and due for publication at NOW. */
const THEN = NOW - 2 * HOUR;

function writerOf(clickHouse: ClickHouse, options: Partial<WriterOptions> = {}) {
  const retryMillis = Array.from({ length: 500 }, () => 10);
  return createWriter({
    client: clickHouse.writing,
    now: () => NOW,
    lingerMillis: 0,
    retryMillis,
    ...options,
  });
}

function publisherOf({ publishing, dialect }: ClickHouse) {
  return createPublisher({
    client: publishing,
    dialect,
    now: () => NOW,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
}

async function counts(clickHouse: ClickHouse) {
  const sum = (table: string) => `(SELECT toUInt32(sum(decisions)) FROM ${table})`;
  const [found] = await rows(
    clickHouse,
    `SELECT ${sum('decision_spans FINAL')} AS raw, ${sum('origin_usage')} AS minutes,
       ${sum('origin_usage_hourly')} AS hours`,
  );
  return found;
}

let server: ClickHouseServer;
beforeAll(async () => {
  server = await launchClickHouseServer();
});
afterAll(() => server.stop());
afterEach(() => server.mend());

describe('when a server fails', () => {
  test('before or after it applied an insert, the spans count once', async () => {
    const clickHouse = await openTestDatabase(newDatabase(server));
    const writer = writerOf(clickHouse);
    const spans = decisionSpans(50, () => ({ time: THEN, verdict: 'blocked', reason: 'acao_missing' }));
    for (const table of ['slot_writes', 'decision_spans', 'blocked_spans']) {
      await server.fault({ kind: 'cut', match: `insert into ${table}` });
      await server.fault({ kind: 'lose_answer', match: `insert into ${table}` });
      await server.fault({ kind: 'exception', code: 241, match: `insert into ${table}` });
    }
    await writer.write(spans);
    expect((await server.faults()).every(({ fired }) => fired === 1)).toBe(true);
    expect(writer.counters).toMatchObject({ written: 50, failed: 0 });
    expect(await rows(clickHouse, 'SELECT toUInt32(count()) AS requests FROM blocked_requests')).toEqual([
      { requests: 50 },
    ]);
    await publisherOf(clickHouse).tick();
    expect(await counts(clickHouse)).toEqual({ raw: 50, minutes: 50, hours: 50 });
  });

  test('during publications, the final result is correct', async () => {
    const clickHouse = await openTestDatabase(newDatabase(server));
    await writerOf(clickHouse).write(decisionSpans(20, () => ({ time: THEN })));
    const publisher = publisherOf(clickHouse);
    for (const fault of [
      { kind: 'cut', match: 'insert into usage_minutes' },
      { kind: 'lose_answer', match: 'insert into completeness_slots' },
      { kind: 'lose_answer', match: 'insert into published_slots' },
      { kind: 'lose_answer', match: 'insert into published_hours' },
    ] as const) {
      await server.fault(fault);
      await expect(publisher.tick()).rejects.toThrow();
      await publisher.tick();
      // A published slot is published again when spans arrive for it.
      await writerOf(clickHouse).write([decisionSpan({ time: THEN, spanId: '0000000000000001' })]);
    }
    await publisher.tick();
    expect(await counts(clickHouse)).toEqual({ raw: 20, minutes: 20, hours: 20 });
  });

  test('by being slow, a request that times out is retried, and counts once', async () => {
    const url = newDatabase(server);
    await openTestDatabase(url);
    const clickHouse = await openTestDatabase(url, { timeoutMillis: 1_500 });
    const writer = writerOf(clickHouse);
    await server.fault({ kind: 'slow', millis: 4_000, match: 'insert into decision_spans' });
    await writer.write(decisionSpans(5, () => ({ time: THEN })));
    expect(writer.counters).toMatchObject({ written: 5, retries: 1 });
    expect(await counts(clickHouse)).toMatchObject({ raw: 5 });
  });

  test('by being killed, acknowledged spans exist, others are written when it is back', async () => {
    const clickHouse = await openTestDatabase(newDatabase(server));
    const writer = writerOf(clickHouse);
    await writer.write(decisionSpans(5, () => ({ time: THEN })));
    await server.kill();
    const written = writer.write([decisionSpan({ time: THEN, spanId: '00000000000000ff' })]);
    await expect.poll(() => writer.counters.retries).toBeGreaterThan(0);
    await server.restart();
    await written;
    expect(await counts(clickHouse)).toMatchObject({ raw: 6 });
  });
});

describe('several processes with one server', () => {
  test('write and publish concurrently, and nothing counts twice', async () => {
    const url = newDatabase(server);
    const both = [await openTestDatabase(url), await openTestDatabase(url)] as const;
    await Promise.all(
      both.map((clickHouse) => writerOf(clickHouse).write(decisionSpans(30, () => ({ time: THEN })))),
    );
    await Promise.all(both.map((clickHouse) => publisherOf(clickHouse).tick()));
    expect(await counts(both[0])).toEqual({ raw: 30, minutes: 30, hours: 30 });
  });
});

describe('an unusable server', () => {
  const PASSWORD = 'p4ssw0rd-of-the-writer';

  /** Returns the error, and asserts that neither it nor its causes contain the password. */
  async function refusal(location: ServerLocation): Promise<OriginscopeError> {
    const opening = openClickHouse(location).then((clickHouse) => clickHouse.close());
    const error: unknown = await opening.catch((reason: unknown) => reason);
    expect(inspect(error, { depth: 20, showHidden: true, maxStringLength: null })).not.toContain(PASSWORD);
    expect(Buffer.from(inspect(error, { depth: 20 })).toString()).not.toContain(btoa(`writer:${PASSWORD}`));
    if (error instanceof OriginscopeError) return error;
    throw new Error('Opened, or failed for another reason', { cause: error });
  }

  test('is reported with a matching remedy, without its password', async () => {
    const secured = await startClickHouseServer({
      tls: true,
      users: [
        { name: 'writer', password: PASSWORD },
        { name: 'timid', password: PASSWORD, readonly: 1 },
      ],
    });
    const as = { username: 'writer', password: PASSWORD };
    const url = `${secured.url}/default`;
    await (await openClickHouse({ url, ...as, ca: CERT })).close();

    const nobody = `http://127.0.0.1:${await freePort()}/default`;
    expect(await refusal({ url: nobody, ...as })).toMatchObject({
      code: 'CLICKHOUSE_UNAVAILABLE',
      retryable: true,
    });
    expect(await refusal({ url: url.replace('https', 'http'), ...as })).toMatchObject({
      code: 'CLICKHOUSE_UNAVAILABLE',
    });
    expect(await refusal({ url, ...as })).toMatchObject({
      code: 'CLICKHOUSE_TLS_FAILED',
      message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    });
    expect(await refusal({ url: `${server.url.replace('http', 'https')}/default`, ...as })).toMatchObject({
      code: 'CLICKHOUSE_TLS_FAILED',
    });
    expect(await refusal({ url, username: 'stranger', password: PASSWORD, ca: CERT })).toMatchObject({
      code: 'CLICKHOUSE_LOGIN_REFUSED',
      retryable: false,
    });
    expect(await refusal({ url, username: 'timid', password: PASSWORD, ca: CERT })).toMatchObject({
      code: 'CLICKHOUSE_REFUSED',
      remedy: expect.stringContaining('readonly = 2'),
    });
    expect(await refusal({ url: `${secured.url}/nowhere`, ...as, ca: CERT })).toMatchObject({
      code: 'DATABASE_MISSING',
      remedy: expect.stringContaining('originscope migrate'),
    });
    for (const wrong of [`https://writer:${PASSWORD}@127.0.0.1/x`, 'https://a/b/c', 'https://a/b?c=1', 'a']) {
      expect(await refusal({ url: wrong, ...as })).toMatchObject({ code: 'CLICKHOUSE_URL_INVALID' });
    }
  });

  test('is reported by its URL when it times out', async () => {
    const url = newDatabase(server);
    await openTestDatabase(url);
    await server.fault({ kind: 'slow', millis: 400 });
    expect(await refusal({ url, timeoutMillis: 100 })).toMatchObject({
      code: 'CLICKHOUSE_UNAVAILABLE',
      retryable: true,
    });
  });
});

test('a report on many services and origins works, because its parameters are in the body and not in the URL', async () => {
  const proxy = await startProxy(server.url);
  const clickHouse = await openTestDatabase(newDatabase({ ...server, url: proxy.url }));
  const services = Array.from({ length: 30 }, (_, number) => `service-${number}`);
  const spans = decisionSpans(300, (number) => ({
    ...blocked,
    time: NOW,
    service: services[number % 30] ?? '',
    origin: `https://tenant-${number}.${'a-long-name-of-a-customer-'.repeat(2)}.example`,
  }));
  await writerOf(clickHouse).write(spans);
  const found = await report(clickHouse.reading, { since: NOW - HOUR, until: NOW + HOUR });
  const blockedCalls = found.services.flatMap(({ topBlocked }) => topBlocked);
  expect(blockedCalls).toHaveLength(300);
  expect(blockedCalls.every(({ examplePath }) => examplePath === '/items/17')).toBe(true);
  expect(proxy.longestUrl()).toBeLessThan(2_000);
  expect(proxy.urls().join()).not.toContain('tenant-');
});

/** Forwards requests to a server and records their URLs, as an access log would. */
async function startProxy(target: string) {
  const urls: string[] = [];
  const proxy = createHttpServer({ maxHeaderSize: 256 * 1024 }, (incoming, response) => {
    urls.push(incoming.url ?? '');
    const { method, headers } = incoming;
    const outgoing = request(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  return {
    url: await listen(proxy),
    urls: () => urls,
    longestUrl: () => Math.max(...urls.map((url) => url.length)),
  };
}
