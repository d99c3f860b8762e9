import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { publicationState } from '../../reports/publication-state.ts';
import { report } from '../../reports/report.ts';
import { rows, temporaryDirectory } from '../../test/support/clickhouse.ts';
import { blocked, decisionSpan, decisionSpans } from '../../test/support/decision-spans.ts';
import { HOUR, MINUTE, pipeline, START } from '../../test/support/pipeline.ts';
import { createWriter } from '../ingest/writer.ts';
import { publishSlots } from './publish-slots.ts';
import { createPublisher } from './publisher.ts';

/** A writer that is interrupted after the first marks and before the rows. */
function interruptedWriter(clickHouse: ClickHouse, now: () => number, interruption: () => Promise<unknown>) {
  return createWriter({
    client: {
      command: (statement) => clickHouse.writing.command(statement),
      async insertRows(rows) {
        if (rows.table === 'decision_spans') await interruption();
        await clickHouse.writing.insertRows(rows);
      },
    },
    now,
    lingerMillis: 0,
  });
}

/** The totals of the views, which must agree with each other. */
async function totals(clickHouse: ClickHouse): Promise<{ allowed: number; blocked: number }> {
  const counts = (view: string) =>
    rows<{ allowed: number; blocked: number }>(
      clickHouse,
      `SELECT sumIf(decisions, verdict = 'allowed') AS allowed, sumIf(decisions, verdict = 'blocked') AS blocked FROM ${view}`,
    );
  const [minutes] = await counts('origin_usage');
  const [hours] = await counts('origin_usage_hourly');
  const [requests] = await counts('blocked_requests');
  if (minutes === undefined) throw new Error('no totals');
  expect(hours).toEqual(minutes);
  expect(requests?.blocked).toBe(minutes.blocked);
  return minutes;
}

/** 60 decisions allowed and 40 blocked, in the first slot. */
const SPANS: readonly DecisionSpan[] = decisionSpans(20, (index) => ({
  time: START + (index % 10) * MINUTE,
  decisions: 5,
  ...(index < 12 ? {} : blocked),
}));
const TRUTH = { allowed: 60, blocked: 40 };

/** The first slot has closed but not its hour; then the hour has closed as well. */
const SLOT_CLOSED = 15 * MINUTE;
const HOUR_CLOSED = 65 * MINUTE;

test.each([
  ['the same request twice', [SPANS, SPANS]],
  ['the same spans in other requests', [SPANS, SPANS.slice(0, 7), SPANS.slice(7).reverse()]],
  ['half an insert, then all of it', [SPANS.slice(0, 9), SPANS]],
])('counts once, before and after publication: %s', async (_, requests) => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  for (const spans of requests) await writer.write(spans);
  expect(await totals(clickHouse)).toEqual(TRUTH);

  at(SLOT_CLOSED);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [] });
  expect(await totals(clickHouse)).toEqual(TRUTH);

  at(HOUR_CLOSED);
  expect(await publisher.tick()).toEqual({ slots: [], hours: [START] });
  expect(await totals(clickHouse)).toEqual(TRUTH);

  for (const spans of requests) await writer.write(spans);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(clickHouse)).toEqual(TRUTH);
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });
});

test('a slot is not published before it has closed', async () => {
  const { writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(11 * MINUTE);
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });
});

test('rows of a crash before the marker are never visible, and the next publication is complete', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  const crash = { ...publisher.publication, pause: () => Promise.reject(new Error('crash')) };
  await expect(publishSlots(crash, { table: 'decision_spans' }, [START])).rejects.toThrow('crash');
  expect(await totals(clickHouse)).toEqual(TRUTH);
  await publisher.tick();
  await expect(publishSlots(crash, { table: 'decision_spans' }, [START])).rejects.toThrow('crash');
  expect(await totals(clickHouse)).toEqual(TRUTH);
});

test('a late span is counted by the next publication, in minutes and hours', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  await publisher.tick();
  at(47 * HOUR);
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 })]);
  expect(await totals(clickHouse)).toEqual(TRUTH);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 });
});

test('slots that were published together are separated when one of them is published again', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write([...SPANS, decisionSpan({ time: START + 10 * MINUTE, spanId: 'ffffffffffffff02' })]);
  at(HOUR_CLOSED);
  await publisher.tick();
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 })]);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 + 1 });
});

test('a late span in the middle of a publication makes the slot due again', async () => {
  const { clickHouse, writer, publisher, at, now } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  const late = decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 });
  const interrupted = { ...publisher.publication, pause: () => writer.write([late]) };
  expect(await publishSlots(interrupted, { table: 'decision_spans' }, [START])).toEqual({
    marked: [START],
    shrunk: [],
  });
  expect(now()).toBe(START + HOUR_CLOSED);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 });
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });
});

test('a publication in the middle of a late insert makes the slot due again', async () => {
  const { clickHouse, writer, publisher, at, now } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  const late = decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 });
  await interruptedWriter(clickHouse, now, () => publisher.tick()).write([late]);
  expect(await totals(clickHouse)).toEqual(TRUTH);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 });
});

test('an insert that begins in an open slot and ends in a published one makes it due again', async () => {
  const { clickHouse, writer, publisher, at, now } = await pipeline();
  await writer.write(SPANS);
  const slow = interruptedWriter(clickHouse, now, async () => {
    at(HOUR_CLOSED);
    await publisher.tick();
  });
  await slow.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 })]);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 });
});

test('two publishers at once: the one that started last is read, whichever ends last', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  const late = decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 });
  const slower = {
    ...publisher.publication,
    async pause() {
      await writer.write([late]);
      await publisher.tick();
    },
  };
  await publishSlots(slower, { table: 'decision_spans' }, [START]);
  const whole = { ...TRUTH, allowed: TRUTH.allowed + 50 };
  expect(await totals(clickHouse)).toEqual(whole);
  await publisher.tick();
  expect(await totals(clickHouse)).toEqual(whole);
});

test('a slot that keeps receiving late spans is published again only after a while', async () => {
  const { clickHouse, writer, at, now } = await pipeline();
  const publisher = createPublisher({ client: clickHouse.publishing, now, readerGraceMillis: 0 });
  await writer.write(SPANS);
  at(SLOT_CLOSED);
  expect((await publisher.tick()).slots).toEqual([START]);
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01' })]);
  expect((await publisher.tick()).slots).toEqual([]);
});

test('a newer rule set replaces the decision of an older one, even by none', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  const again = SPANS.map((span, index): DecisionSpan => {
    // Of the eight blocked spans, three are not decisions any more and one is allowed after all.
    if (index >= 17) return { ...span, derivation: 2, decisions: 0 };
    if (index === 16) return { ...span, derivation: 2, verdict: 'allowed', reason: '', allowOrigin: 'exact' };
    return { ...span, derivation: 2 };
  });
  await writer.write(SPANS.slice(0, 15));
  await writer.write(again.slice(10));
  await writer.write(SPANS);
  await writer.write(again.slice(0, 10));
  at(HOUR_CLOSED);
  await publisher.tick();
  expect(await totals(clickHouse)).toEqual({ allowed: 65, blocked: 20 });
  await writer.write(SPANS);
  await publisher.tick();
  expect(await totals(clickHouse)).toEqual({ allowed: 65, blocked: 20 });
});

test('after 48 hours a slot is frozen: later spans are counted as late', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  await publisher.tick();
  at(48 * HOUR + 10 * MINUTE);
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01' })]);
  expect(writer.counters.late).toBe(1);
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });
  expect(await totals(clickHouse)).toEqual(TRUTH);
});

test('raw days are dropped once published, not before: a weekend without the process loses nothing', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  const days = 'SELECT count() > 0 AS kept FROM decision_spans';
  await writer.write(SPANS);
  at(80 * HOUR);
  await publisher.clean();
  expect(await rows(clickHouse, days)).toEqual([{ kept: 1 }]);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  await publisher.clean();
  expect(await rows(clickHouse, days)).toEqual([{ kept: 0 }]);
  expect(await totals(clickHouse)).toEqual(TRUTH);
});

test('a slot whose spans are gone is never published with fewer spans', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  await publisher.tick();
  await clickHouse.writing.command({ query: 'TRUNCATE TABLE decision_spans' });
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01' })]);
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });
  expect(await totals(clickHouse)).toEqual(TRUTH);
});

test('clients fill at most the named values of a service; the totals stay exact', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  const flood = decisionSpans(2_000, (index) => ({
    time: START + (index % 60) * MINUTE,
    origin: `https://flood-${index}.example`,
    route: `/flood/${index}`,
    requestHeaders: `x-flood-${index}`,
  }));
  const shop = decisionSpans(10, (index) => ({
    time: START + index * MINUTE,
    spanId: `fffffffffffffff${index}`,
    decisions: 1_000,
  }));
  const other = decisionSpans(600, () => ({ time: START, service: 'search' }));
  await writer.write([...flood, ...shop, ...other]);
  at(HOUR_CLOSED);
  const { hours } = await publisher.tick();
  expect(hours).toEqual([START]);
  expect(await totals(clickHouse)).toEqual({ allowed: 12_600, blocked: 0 });
  const named = (view: string) =>
    rows(
      clickHouse,
      `SELECT uniqExactIf(origin, origin != '(other)') AS origins, uniqExactIf(route, route != '(other)') AS routes,
         uniqExactIf(requested_headers, requested_headers != '(other)') AS header_lists,
         sumIf(decisions, origin = 'https://shop.example') AS shop
       FROM ${view} WHERE service = 'checkout'`,
    );
  expect(await named('origin_usage_hourly')).toEqual([
    { origins: 500, routes: 500, header_lists: 200, shop: 10_000 },
  ]);
});

test('the same settled slot is capped to the same rows every time', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  const flood = decisionSpans(1_000, (index) => ({
    time: START,
    origin: `https://flood-${index}.example`,
  }));
  const shown = `SELECT groupBitXor(sipHash64(minute, origin, decisions)) AS rows, count() AS count FROM origin_usage`;
  await writer.write(flood);
  at(SLOT_CLOSED);
  await publisher.tick();
  const first = await rows(clickHouse, shown);
  await writer.write([...flood].reverse());
  expect((await publisher.tick()).slots).toEqual([START]);
  expect(await rows(clickHouse, shown)).toEqual(first);
});

test('superseded and abandoned runs are removed, current ones stay', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(HOUR_CLOSED);
  await publisher.tick();
  await writer.write(SPANS);
  await publisher.tick();
  const runs = () =>
    rows(
      clickHouse,
      `SELECT (SELECT uniqExact(run) FROM usage_minutes) AS minutes, (SELECT uniqExact(run) FROM usage_hours) AS hours,
         (SELECT uniqExact(run) FROM completeness_slots) AS completeness`,
    );
  const crash = { ...publisher.publication, pause: () => Promise.reject(new Error('crash')) };
  await expect(publishSlots(crash, { table: 'decision_spans' }, [START])).rejects.toThrow('crash');
  expect(await runs()).toEqual([{ minutes: 3, hours: 2, completeness: 3 }]);
  // Newer than every marked run: it may still be in progress.
  await publisher.clean();
  expect(await runs()).toEqual([{ minutes: 2, hours: 1, completeness: 2 }]);
  // Numbers are partly random, so that of a crashed run can be ahead of the next ones for up to a second.
  const isAbandoned = () =>
    rows(
      clickHouse,
      `SELECT (SELECT max(run) FROM usage_minutes) > (SELECT max(run) FROM published_slots) + 1 AS newer`,
    );
  do {
    await writer.write(SPANS);
    await publisher.tick();
  } while (((await isAbandoned()) as { newer: number }[])[0]?.newer === 1);
  await publisher.clean();
  expect(await runs()).toEqual([{ minutes: 1, hours: 1, completeness: 1 }]);
  expect(await totals(clickHouse)).toEqual(TRUTH);
});

test('a process in another time zone writes the same rows', async () => {
  const directory = await temporaryDirectory();
  // A zone in which it is another day at that moment: the days of partitions must not follow it.
  const zone = new Date(START).getUTCHours() < 12 ? 'Etc/GMT+12' : 'Pacific/Kiritimati';
  const script = `
    const at = (path) => import(new URL(path, ${JSON.stringify(new URL('../../', import.meta.url).href)}));
    const { openClickHouse } = await at('clickhouse/connection.ts');
    const { migrate } = await at('clickhouse/migrations.ts');
    const { createWriter } = await at('collector/ingest/writer.ts');
    const clickHouse = await openClickHouse({ directory: ${JSON.stringify(directory)} });
    await migrate(clickHouse.writing);
    await createWriter({ client: clickHouse.writing, now: () => ${START} }).write(${JSON.stringify(SPANS)});
    await clickHouse.close();`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TZ: zone },
  });
  const { clickHouse, writer, publisher, at } = await pipeline(directory);
  expect(await totals(clickHouse)).toEqual(TRUTH);
  await writer.write(SPANS);
  expect(await totals(clickHouse)).toEqual(TRUTH);
  at(HOUR_CLOSED);
  await publisher.tick();
  expect(await totals(clickHouse)).toEqual(TRUTH);
});

test('a raw day is kept while a queue may still contain spans of it', async () => {
  const { clickHouse, writer, at, now } = await pipeline();
  const asked: number[] = [];
  let hasArrived = false;
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now,
    republishMillis: 0,
    readerGraceMillis: 0,
    hasArrived: async (before) => {
      asked.push(before);
      return hasArrived;
    },
  });
  await writer.write(SPANS);
  at(80 * HOUR);
  await publisher.tick();
  await publisher.clean();
  const kept = async () => (await rows(clickHouse, 'SELECT count() AS count FROM decision_spans'))[0]?.count;
  expect(await kept()).toBe(SPANS.length);
  // 48 hours after the newest day that would be dropped: its spans were accepted until then.
  expect(asked).toEqual([Math.floor((START + 32 * HOUR) / (24 * HOUR)) * 24 * HOUR + 48 * HOUR]);

  const late = decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 });
  await writer.write([late], START + HOUR);
  await publisher.tick();
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 });

  hasArrived = true;
  await publisher.clean();
  expect(await kept()).toBe(0);
  expect(await totals(clickHouse)).toEqual({ ...TRUTH, allowed: TRUTH.allowed + 50 });
});

test('a span for a slot whose raw day is gone changes nothing, and the slot is reported', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write(SPANS);
  at(80 * HOUR);
  await publisher.tick();
  await publisher.clean();
  await writer.write([decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50 })], START);
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });
  expect((await publicationState(clickHouse.reading, START + 80 * HOUR)).leftOut).toEqual([
    { slot: START, spans: 1, decisions: 50 },
  ]);
  expect(await report(clickHouse.reading, { since: START, until: START + HOUR })).toMatchObject({
    troubles: [
      expect.stringMatching(/^1 late span with 50 decisions .*"originscope rebuild --since \S+ --until \S+"/),
    ],
  });
  expect(await totals(clickHouse)).toEqual(TRUTH);
});
