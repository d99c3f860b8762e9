import { expect, test } from 'vitest';
import type { ClickHouse } from '../clickhouse/connection.ts';
import type { DecisionSpan } from '../clickhouse/decision-span.ts';
import { createWriter } from '../collector/ingest/writer.ts';
import { createPublisher } from '../collector/publication/publisher.ts';
import { openTestClickHouse } from '../test/support/clickhouse.ts';
import { blocked, decisionSpan, decisionSpans } from '../test/support/decision-spans.ts';
import { report } from './report.ts';

const HOUR = 3_600_000;
const NOW = Math.floor(Date.now() / HOUR) * HOUR - 2 * HOUR;
const LAST_HOUR = { since: NOW - HOUR, until: NOW };

async function write(clickHouse: ClickHouse, spans: readonly DecisionSpan[]): Promise<void> {
  const writer = createWriter({ client: clickHouse.writing, now: () => NOW });
  await writer.write(spans);
  await writer.close();
}

test('a report counts each service by verdict, origin, preflight and reason', async () => {
  const clickHouse = await openTestClickHouse();
  const time = NOW - HOUR / 2;
  await write(clickHouse, [
    decisionSpan({ time, spanId: '00000000000000a1', decisions: 7, total: 7 }),
    decisionSpan({ time, spanId: '00000000000000a2', kind: 'preflight', decisions: 2, total: 9 }),
    decisionSpan({
      ...blocked,
      time: time + 60_000,
      spanId: '00000000000000a3',
      kind: 'preflight',
      reason: 'header_not_allowed',
      detail: 'traceparent',
      method: 'PUT',
      requestHeaders: 'content-type,traceparent',
      decisions: 3,
      // One decision was observed and has not arrived.
      total: 13,
    }),
    decisionSpan({
      time,
      spanId: '00000000000000a4',
      verdict: 'unknown',
      reason: 'credentials_mode_unknown',
      origin: 'https://widgets.example',
    }),
    decisionSpan({ time, spanId: '00000000000000a5', service: 'search', decisions: 40 }),
    decisionSpan({ time: time - 2 * HOUR, spanId: '00000000000000a6', decisions: 1_000 }),
  ]);

  const found = await report(clickHouse.reading, LAST_HOUR);

  expect(found).toMatchObject({ resolution: 'minute', furtherServices: 0 });
  expect(found.since).toBe(new Date(NOW - HOUR).toISOString());
  expect(found.services.map(({ service }) => service)).toEqual(['search', 'checkout']);
  expect(found.services[1]).toMatchObject({
    decisions: 13,
    allowed: 9,
    blocked: 3,
    unknown: 1,
    origins: 2,
    preflights: 5,
    failedPreflights: [{ reason: 'header_not_allowed', decisions: 3 }],
    unknownReasons: [{ reason: 'credentials_mode_unknown', decisions: 1 }],
    completeness: { received: 12, observed: 13 },
  });
  expect(found.services[1]?.topOrigins[0]).toEqual({
    origin: 'https://shop.example',
    decisions: 12,
    allowed: 9,
    blocked: 3,
    unknown: 0,
    firstSeen: rfc3339(time),
    lastSeen: rfc3339(time + 60_000),
  });
  expect(found.services[1]?.topBlocked).toEqual([
    expect.objectContaining({
      origin: 'https://shop.example',
      kind: 'preflight',
      reason: 'header_not_allowed',
      detail: 'traceparent',
      method: 'PUT',
      requestedHeaders: ['content-type', 'traceparent'],
      decisions: 3,
      examplePath: blocked.path,
      exampleTraceId: blocked.linkTraceId,
      remedy: expect.stringContaining('"Access-Control-Allow-Headers: content-type, traceparent"'),
    }),
  ]);
});

test('a report says what its counts are worth, and what a gateway saw, too', async () => {
  const clickHouse = await openTestClickHouse();
  const time = NOW - HOUR / 2;
  await write(clickHouse, [
    decisionSpan({ time, spanId: '00000000000000a1', decisions: 7 }),
    decisionSpan({ time, spanId: '00000000000000a2', source: 'estimated', decisions: 10 }),
    decisionSpan({ time, spanId: '00000000000000a3', source: 'sampled' }),
    decisionSpan({
      time,
      spanId: '00000000000000a4',
      service: 'edge',
      observer: 'gateway',
      source: 'derived',
    }),
  ]);
  const { services } = await report(clickHouse.reading, LAST_HOUR);
  expect(services).toMatchObject([
    { service: 'checkout', decisions: 18, estimated: 10, sampled: 1, behindGateway: 18 },
    { service: 'edge', decisions: 1, estimated: 0, sampled: 0, behindGateway: 0 },
  ]);
});

test('a blocked origin is shown with the allowed one that it resembles', async () => {
  const clickHouse = await openTestClickHouse();
  const time = NOW - HOUR / 2;
  await write(clickHouse, [
    decisionSpan({ time, spanId: '00000000000000a1' }),
    decisionSpan({ ...blocked, time, spanId: '00000000000000a2', origin: 'http://shop.example' }),
    // Allowed by another service, which says nothing about this one.
    decisionSpan({ time, spanId: '00000000000000a3', service: 'search', origin: 'https://docs.example' }),
    decisionSpan({ ...blocked, time, spanId: '00000000000000a4', origin: 'http://docs.example' }),
    // Allowed on other routes: it was meant as it is.
    decisionSpan({ ...blocked, time, spanId: '00000000000000a5', route: '/orders' }),
  ]);

  const { services } = await report(clickHouse.reading, { ...LAST_HOUR, service: 'checkout' });

  expect(services.map(({ service }) => service)).toEqual(['checkout']);
  expect(services[0]?.topBlocked.map(({ origin, nearest }) => [origin, nearest])).toEqual([
    ['http://docs.example', undefined],
    ['http://shop.example', { origin: 'https://shop.example', difference: 'scheme' }],
    ['https://shop.example', undefined],
  ]);
});

test('text that strangers chose is data in every question', async () => {
  const clickHouse = await openTestClickHouse();
  const time = NOW - HOUR / 2;
  const hostile = `https://x'"\\{since:UInt32}--\n;DROP TABLE decision_spans`;
  await write(clickHouse, [
    decisionSpan({
      ...blocked,
      time,
      spanId: '00000000000000a1',
      service: hostile,
      origin: hostile,
      detail: hostile,
      method: hostile,
      route: hostile,
      requestHeaders: hostile,
      path: hostile,
    }),
  ]);

  const found = await report(clickHouse.reading, { ...LAST_HOUR, service: hostile });

  expect(found.services[0]?.topBlocked[0]).toMatchObject({
    origin: hostile,
    detail: hostile,
    method: hostile,
    examplePath: hostile,
  });
  expect((await report(clickHouse.reading, { ...LAST_HOUR, service: `' OR 1 = 1 --` })).services).toEqual([]);
});

test('lists are cut at the limit, and the report says how many rows are left out', async () => {
  const clickHouse = await openTestClickHouse();
  const spans = (verdict: Partial<DecisionSpan>, first: number, number: number): DecisionSpan[] =>
    Array.from({ length: number }, (_, index) =>
      decisionSpan({
        time: NOW - HOUR / 2,
        spanId: (first + index).toString(16).padStart(16, '0'),
        origin: `https://${first + index}.example`,
        ...verdict,
      }),
    );
  await write(clickHouse, [
    ...spans({ ...blocked }, 1, 12),
    ...spans({ verdict: 'unknown', reason: 'credentials_mode_unknown' }, 101, 11),
  ]);

  const cut = await report(clickHouse.reading, LAST_HOUR);
  expect(cut.truncated).toBe(true);
  expect(cut.services[0]).toMatchObject({ furtherOrigins: 13, furtherBlocked: 2, furtherUnknown: 1 });
  expect(cut.services[0]?.topBlocked).toHaveLength(10);

  const whole = await report(clickHouse.reading, { ...LAST_HOUR, limit: 10_000 });
  expect(whole.truncated).toBe(false);
  expect(whole.services[0]?.topOrigins).toHaveLength(23);
  expect(whole.services[0]?.topBlocked).toHaveLength(12);
  expect(whole.services[0]?.topUnknown).toHaveLength(11);
  expect(whole.services[0]?.topUnknown[0]?.remedy).toContain('Access-Control-Allow-Credentials: true');
});

test('a long window is read from hours and says the same', async () => {
  const clickHouse = await openTestClickHouse();
  const spans = decisionSpans(50, (index) => ({
    time: NOW - HOUR + index * 60_000,
    origin: `https://${index}.example`,
    decisions: index + 1,
  }));
  await write(clickHouse, spans);
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now: () => NOW + HOUR,
    readerGraceMillis: 0,
  });
  await publisher.tick();

  const minutes = await report(clickHouse.reading, LAST_HOUR);
  const hours = await report(clickHouse.reading, { since: NOW - 30 * HOUR, until: NOW });

  expect(hours.resolution).toBe('hour');
  expect(minutes.services[0]?.decisions).toBe(1275);
  expect(hours.services).toEqual(minutes.services);
});

test('a short window without decisions stays as short, however many there were just before it', async () => {
  const clickHouse = await openTestClickHouse();
  const time = NOW - HOUR / 2;
  await write(clickHouse, [decisionSpan({ time, spanId: '00000000000000c1' })]);
  const tenMinutes = { since: NOW - HOUR / 4, until: NOW - HOUR / 12 };
  const found = await report(clickHouse.reading, tenMinutes);
  expect(found).toMatchObject({
    since: new Date(tenMinutes.since).toISOString(),
    until: new Date(tenMinutes.until).toISOString(),
    resolution: 'minute',
    services: [],
  });
});

test('nothing is found where nothing was, and times out of range are no error', async () => {
  const clickHouse = await openTestClickHouse();
  const empty = await report(clickHouse.reading, { since: -1e15, until: 1e15 });
  expect(empty.services).toEqual([]);
  expect(empty.furtherServices).toBe(0);
});

function rfc3339(millis: number): string {
  return new Date(millis).toISOString().replace('.000Z', 'Z');
}
