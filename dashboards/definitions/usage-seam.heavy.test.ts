import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import { createWriter } from '../../collector/ingest/writer.ts';
import { openTestClickHouse, rows } from '../../test/support/clickhouse.ts';
import { publisherAt } from '../../test/support/dashboard-data.ts';
import { blocked, decisionSpan } from '../../test/support/decision-spans.ts';
import { expandQuery } from '../../test/support/grafana-macros.ts';
import { grafanaSql } from '../grafana/grafana-sql.ts';
import { usage } from './query-text.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A quarter to an hour of yesterday: which hours lie on which day must not depend on when the test runs. */
const at = (hour: number): number => Math.floor(Date.now() / DAY) * DAY - DAY + hour * HOUR + 45 * MINUTE;

/** How many hours ago there was traffic: around the ends and seams of the ranges below. */
const HOURS_AGO = [
  0, 1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 23, 24, 25, 30, 31, 32, 33, 47, 48, 49, 50, 54, 55, 56, 70,
];

/** The first and the last minute of each hour; each has a number of decisions of its own. */
const spansBefore = (now: number): readonly Counted[] =>
  HOURS_AGO.map((hours) => hourOf(now) - hours * HOUR)
    .flatMap((hour) => [hour, hour + 59 * MINUTE])
    .filter((time) => time <= now)
    .map((time, index) => ({ time, decisions: 1000 + index ** 2 }));

interface Counted {
  readonly time: number;
  readonly decisions: number;
}

/** Published as in life, day by day; the newest slots are not. */
async function fill(clickHouse: ClickHouse, all: readonly Counted[], end: number): Promise<void> {
  for (const [past, spans] of Map.groupBy(all, ({ time }) => Math.floor(time / DAY) * DAY)) {
    const now = Math.min(past + DAY + HOUR, end);
    const writer = createWriter({ client: clickHouse.writing, now: () => now });
    await writer.write(
      spans.map(({ time, decisions }) =>
        decisionSpan({ ...blocked, time, decisions, spanId: time.toString(16).padStart(16, '0') }),
      ),
    );
    await writer.close();
    await publisherAt(clickHouse, now).tick();
  }
}

/** From single rows, and from the sums that ClickHouse keeps. */
const READ = [usage({ where: '1' }), usage({ where: '1', of: ['origin', 'reason'], blocked: true })];

/** @throws AssertionError unless both ways of reading find the same */
async function decisionsIn(clickHouse: ClickHouse, from: number, to: number): Promise<number> {
  const found: number[] = [];
  for (const read of READ) {
    const sql = grafanaSql(`SELECT sum(usage.decisions) AS decisions FROM ${read}`, []);
    const [row] = await rows<{ decisions: number }>(
      clickHouse,
      expandQuery(sql, { from, to, intervalMillis: MINUTE }),
    );
    found.push(row?.decisions ?? Number.NaN);
  }
  expect(new Set(found).size).toBe(1);
  return found[0] ?? Number.NaN;
}

const hourOf = (time: number): number => Math.floor(time / HOUR) * HOUR;

// With 22 the oldest hour of all is the first one of the day whose minutes are gone in part.
test.each([6, 22])(
  'every decision of a range counts once, however much of it is read by the hour (at %i:45)',
  async (hour) => {
    const now = at(hour);
    const spans = spansBefore(now);
    const sumOf = (from: number, to: number): number =>
      spans
        .filter(({ time }) => time >= from && time <= to)
        .reduce((sum, { decisions }) => sum + decisions, 0);
    const clickHouse = await openTestClickHouse();
    await fill(clickHouse, spans, now);
    const oldest = now - 2 * DAY;
    const ends = [now, hourOf(now), hourOf(now) - MINUTE, now - 7 * HOUR - 5 * MINUTE];
    const check = async (to: number): Promise<void> => {
      for (const length of [15 * MINUTE, 5 * HOUR, DAY, DAY + MINUTE, 2 * DAY + 11 * MINUTE]) {
        const from = to - length;
        // A long range begins with a whole hour.
        const beginning = length > DAY ? hourOf(from) : from;
        expect(await decisionsIn(clickHouse, from, to), `${length / MINUTE} minutes to ${to}`).toBe(
          sumOf(beginning, to),
        );
      }
    };
    for (const to of ends) await check(to);

    // Hours whose slots are published again are not, for a while.
    await clickHouse.writing.command({
      query: `ALTER TABLE published_hours DELETE WHERE hour IN (${[8, 25].map((ago) => (hourOf(now) - ago * HOUR) / 1000)}) SETTINGS mutations_sync = 2`,
    });
    await check(now);

    // Minutes expire by parts, and before hours do: of the oldest day only some are left.
    const gone = new Date(oldest).toISOString().slice(0, 10);
    await clickHouse.writing.command({
      query: `ALTER TABLE usage_minutes DELETE WHERE minute < toDateTime('${gone} 13:00:00', 'UTC') SETTINGS mutations_sync = 2`,
    });
    const midnight = Date.parse(`${gone}T00:00:00Z`);
    for (const [from, to] of [
      [midnight - 3 * HOUR, midnight + 20 * HOUR],
      [midnight + 12 * HOUR, midnight + 30 * HOUR],
      [midnight + DAY, midnight + DAY + 3 * HOUR],
    ] as const) {
      expect(await decisionsIn(clickHouse, from, to)).toBe(
        sumOf(from, to < midnight + DAY ? to + HOUR - 1 : to),
      );
    }
  },
);
