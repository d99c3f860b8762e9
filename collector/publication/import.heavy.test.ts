import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { openTestClickHouse, rows } from '../../test/support/clickhouse.ts';
import { blocked, decisionSpan, decisionSpans } from '../../test/support/decision-spans.ts';
import { createWriter } from '../ingest/writer.ts';
import { beginImport, type ImportOptions, type ImportResult } from './import.ts';
import { createPublisher } from './publisher.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Math.floor(Date.now() / HOUR) * HOUR;
/** Frozen, and within the thirty days of minute retention. */
const LAST_WEEK = NOW - 7 * DAY;
const SLOT = 10 * 60_000;

interface Fixture {
  readonly clickHouse: ClickHouse;
  importing(spans: readonly DecisionSpan[], conflicts?: ImportOptions['conflicts']): Promise<ImportResult>;
  write(spans: readonly DecisionSpan[], at: number): Promise<void>;
}

async function fixture(): Promise<Fixture> {
  const clickHouse = await openTestClickHouse();
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now: () => NOW,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
  const writerAt = (at: number) =>
    createWriter({ client: clickHouse.writing, now: () => at, lingerMillis: 0 });
  return {
    clickHouse,
    write: (spans, at) => writerAt(at).write(spans),
    async importing(spans, conflicts = 'keep') {
      const { add, finish } = await beginImport({
        client: clickHouse.publishing,
        writer: writerAt(NOW),
        publisher,
        now: () => NOW,
        conflicts,
      });
      // As a file is read: in chunks that ignore slots.
      for (let from = 0; from < spans.length; from += 7) await add(spans.slice(from, from + 7));
      return await finish();
    },
  };
}

async function decisions(clickHouse: ClickHouse): Promise<Record<string, unknown>> {
  const [row] = await rows(
    clickHouse,
    `SELECT (SELECT sum(decisions) FROM origin_usage) AS minutes,
       (SELECT sum(decisions) FROM origin_usage_hourly) AS hours,
       (SELECT sum(decisions) FROM blocked_requests) AS blocked,
       (SELECT count() FROM staged_spans) AS staged`,
  );
  if (row === undefined) throw new Error('no totals');
  return row;
}

/** Three slots over two days, ten decisions each; the last one is blocked. */
const OLD: readonly DecisionSpan[] = [LAST_WEEK, LAST_WEEK + SLOT, LAST_WEEK - DAY].flatMap((start, slot) =>
  decisionSpans(10, (index) => ({
    time: start + index * 50_000,
    spanId: `${slot}${index}`.padStart(16, '0'),
    ...(slot === 2 ? blocked : {}),
  })),
);
const OLD_SLOTS = [LAST_WEEK - DAY, LAST_WEEK, LAST_WEEK + SLOT];

test('a file of past weeks is published at once, and importing it again changes nothing', async () => {
  const { clickHouse, importing } = await fixture();
  const nothing = {
    written: 0,
    published: [],
    unchanged: [],
    replaced: [],
    conflicting: [],
    expired: 0,
    ahead: 0,
    late: 0,
  };
  expect(await importing(OLD)).toEqual({ ...nothing, published: OLD_SLOTS });
  const totals = { minutes: 30, hours: 30, blocked: 10, staged: 0 };
  expect(await decisions(clickHouse)).toEqual(totals);
  expect(await importing([...OLD].reverse())).toEqual({ ...nothing, unchanged: OLD_SLOTS });
  expect(await decisions(clickHouse)).toEqual(totals);
});

test('a file that holds spans twice counts them once', async () => {
  const { clickHouse, importing } = await fixture();
  await importing([...OLD, ...OLD]);
  expect(await decisions(clickHouse)).toEqual({ minutes: 30, hours: 30, blocked: 10, staged: 0 });
});

test('spans of open slots are added to the existing ones', async () => {
  const { clickHouse, importing, write } = await fixture();
  const recent = decisionSpans(20, (index) => ({ time: NOW - 30 * HOUR + index * 60_000 }));
  await write(recent.slice(0, 12), NOW);
  expect(await importing(recent)).toMatchObject({ written: 20, published: [], conflicting: [] });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 20, hours: 20 });
});

test('a frozen slot with other spans is rejected and reported, the others are published', async () => {
  const { clickHouse, importing, write } = await fixture();
  await write([decisionSpan({ time: LAST_WEEK, spanId: 'ffffffffffffffff', decisions: 3 })], LAST_WEEK);
  expect(await importing(OLD)).toMatchObject({
    published: [LAST_WEEK - DAY, LAST_WEEK + SLOT],
    conflicting: [
      { slot: LAST_WEEK, before: { spans: 1, decisions: 3 }, after: { spans: 10, decisions: 10 } },
    ],
  });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 23, hours: 23, blocked: 10 });
});

test('a slot of live spans is recognised when its own export is imported', async () => {
  const { clickHouse, importing, write } = await fixture();
  await write(OLD, LAST_WEEK + HOUR);
  expect(await importing(OLD)).toMatchObject({ published: [], unchanged: OLD_SLOTS, conflicting: [] });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 30, hours: 30, blocked: 10 });
});

test('spans older than retention or in the future are counted, not stored', async () => {
  const { clickHouse, importing } = await fixture();
  expect(
    await importing([
      decisionSpan({ time: NOW - 40 * DAY }),
      decisionSpan({ time: NOW + 2 * DAY }),
      decisionSpan({ time: NOW - 1_000 }),
    ]),
  ).toMatchObject({ written: 1, expired: 1, ahead: 1 });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 1 });
});

test('an interrupted import leaves nothing visible and can be repeated', async () => {
  const { clickHouse, importing } = await fixture();
  const { add } = await beginImport({
    client: clickHouse.publishing,
    writer: createWriter({ client: clickHouse.writing, now: () => NOW }),
    publisher: createPublisher({ client: clickHouse.publishing, now: () => NOW }),
    now: () => NOW,
  });
  await add(decisionSpans(25_000, () => ({ time: LAST_WEEK })));
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 0, hours: 0, staged: 25_000 });
  expect(await importing(OLD)).toMatchObject({ published: OLD_SLOTS });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 30, hours: 30 });
});

test('the results of a newer rule set replace those of an older one, including blocked requests', async () => {
  const { clickHouse, importing, write } = await fixture();
  await write(OLD, LAST_WEEK + HOUR);
  expect(await importing(OLD)).toMatchObject({ unchanged: OLD_SLOTS });
  const newer = OLD.map((span, index): DecisionSpan => {
    const next = { ...span, derivation: 2 };
    // Two of the blocked spans are not blocked any more, and one is not a decision at all.
    if (index === 20 || index === 21) return { ...next, verdict: 'allowed', reason: '', path: '' };
    if (index === 22) return { ...next, decisions: 0, verdict: 'allowed', reason: '', path: '' };
    return next;
  });
  const first = OLD_SLOTS[0] ?? 0;
  expect((await importing(newer, 'replace')).replaced).toEqual(
    OLD_SLOTS.map((slot) => ({
      slot,
      before: { spans: 10, decisions: 10 },
      after: { spans: 10, decisions: slot === first ? 9 : 10 },
    })),
  );
  expect(await decisions(clickHouse)).toEqual({ minutes: 29, hours: 29, blocked: 7, staged: 0 });
  expect(await importing(newer, 'replace')).toMatchObject({ unchanged: OLD_SLOTS, replaced: [] });
});

test('a slot that would shrink is replaced only if allowed', async () => {
  const { clickHouse, importing, write } = await fixture();
  await write(OLD, LAST_WEEK + HOUR);
  // Four blocked spans of the last slot are missing.
  const fewer = OLD.slice(0, 26);
  const [shrunk] = OLD_SLOTS;
  const change = { slot: shrunk, before: { spans: 10, decisions: 10 }, after: { spans: 6, decisions: 6 } };
  expect(await importing(fewer, 'replace')).toMatchObject({ replaced: [], conflicting: [change] });
  expect(await decisions(clickHouse)).toEqual({ minutes: 30, hours: 30, blocked: 10, staged: 0 });
  expect(await importing(fewer, 'shrink')).toMatchObject({ replaced: [change], conflicting: [] });
  expect(await decisions(clickHouse)).toEqual({ minutes: 26, hours: 26, blocked: 6, staged: 0 });
});

test('a slot that freezes while the file is read is treated consistently: all of its spans are written', async () => {
  const { clickHouse } = await fixture();
  let at = NOW;
  const now = () => at;
  const { add, finish } = await beginImport({
    client: clickHouse.publishing,
    writer: createWriter({ client: clickHouse.writing, now, lingerMillis: 0 }),
    publisher: createPublisher({ client: clickHouse.publishing, now, readerGraceMillis: 0 }),
    now,
  });
  // Its slot freezes in ten minutes.
  const spans = decisionSpans(20, () => ({ time: NOW - 48 * HOUR + 60_000 }));
  await add(spans.slice(0, 10));
  at = NOW + 15 * 60_000;
  await add(spans.slice(10));
  expect(await finish()).toMatchObject({ written: 20, published: [], conflicting: [], late: 0 });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 20, hours: 20 });
});

test('right after an import hours and minutes agree, even if an hour is partly frozen', async () => {
  const { clickHouse } = await fixture();
  // In the middle of an hour, so that the hour 48 h ago is partly frozen.
  const now = () => NOW + 35 * 60_000;
  const { add, finish } = await beginImport({
    client: clickHouse.publishing,
    writer: createWriter({ client: clickHouse.writing, now, lingerMillis: 0 }),
    // A publisher that publishes a slot again only after a while.
    publisher: createPublisher({ client: clickHouse.publishing, now, readerGraceMillis: 0 }),
    now,
  });
  await add(decisionSpans(60 * 4, (index) => ({ time: NOW - 50 * HOUR + index * 60_000 })));
  const { written, published } = await finish();
  expect(written).toBeGreaterThan(0);
  expect(published.length).toBeGreaterThan(0);
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 240, hours: 240 });
  const received = await rows(
    clickHouse,
    `SELECT toUInt32(count()) AS differing FROM (
       SELECT hour, sum(decisions) AS decisions FROM origin_usage_hourly GROUP BY hour
       EXCEPT SELECT toStartOfHour(minute) AS hour, sum(decisions) AS decisions FROM origin_usage GROUP BY hour)`,
  );
  expect(received).toEqual([{ differing: 0 }]);
});

test('a slot that is written but cannot be published is not treated as empty', async () => {
  const { clickHouse, importing, write } = await fixture();
  await write(OLD, LAST_WEEK + HOUR);
  // As if it could not be aggregated: no marker, and nothing retries.
  const publication = { tick: () => Promise.resolve({ slots: [], hours: [] }) };
  const { add, finish } = await beginImport({
    client: clickHouse.publishing,
    writer: createWriter({ client: clickHouse.writing, now: () => NOW, lingerMillis: 0 }),
    publisher: Object.assign(
      createPublisher({ client: clickHouse.publishing, now: () => NOW, readerGraceMillis: 0 }),
      publication,
    ),
    now: () => NOW,
  });
  await add(OLD.slice(0, 1));
  expect(await finish()).toMatchObject({ published: [], conflicting: [{ slot: LAST_WEEK }] });
  expect(await decisions(clickHouse)).toMatchObject({ minutes: 30, hours: 30 });
  expect(await importing(OLD)).toMatchObject({ unchanged: OLD_SLOTS });
});
