import { expect, test } from 'vitest';
import { rows } from '../../test/support/clickhouse.ts';
import { decisionSpan, decisionSpans } from '../../test/support/decision-spans.ts';
import { HOUR, MINUTE, pipeline, START } from '../../test/support/pipeline.ts';

test('completeness compares received decisions with those each process has observed', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  const span = (minute: number, instance: string, total: number, decisions = 10) =>
    decisionSpan({
      time: START + minute * MINUTE,
      spanId: Math.abs(total * 1_000 + minute)
        .toString(16)
        .padStart(16, instance === 'a' ? 'a' : 'b'),
      instance,
      total,
      decisions,
    });
  at(71 * MINUTE);
  await writer.write([
    span(1, 'a', 10),
    span(30, 'a', 20),
    // 20 of this instance were lost within the hour.
    span(5, 'b', 10),
    span(50, 'b', 40),
    // And 30 between the hours.
    span(65, 'a', 30),
    span(70, 'b', 80),
    // Derived from foreign spans: the number of observed ones is unknown.
    decisionSpan({ time: START, spanId: 'cccccccccccccccc', source: 'derived', decisions: 99 }),
  ]);
  const expected = [
    { hours: 0, received: 40, observed: 60 },
    { hours: 1, received: 20, observed: 50 },
  ];
  const seen = () =>
    rows(
      clickHouse,
      `SELECT dateDiff('hour', toDateTime({start:UInt32}, 'UTC'), hour) AS hours, received, observed
       FROM completeness WHERE service = 'checkout' ORDER BY hour`,
      { start: START / 1000 },
    );
  expect(await seen()).toEqual(expected);
  at(75 * MINUTE);
  await publisher.tick();
  expect(await seen()).toEqual(expected);
  at(3 * HOUR);
  await publisher.tick();
  expect(await seen()).toEqual(expected);
});

test('origins have the minute of their first and last decision', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  const times = `SELECT toUnixTimestamp(first_seen) AS first, toUnixTimestamp(last_seen) AS last, decisions
    FROM origins WHERE origin = 'https://shop.example'`;
  const expected = [{ first: START / 1000 + 3 * 60, last: START / 1000 + 95 * 60, decisions: 3 }];
  at(45 * MINUTE);
  await writer.write(
    [3, 95, 20].map((minute) =>
      decisionSpan({ time: START + minute * MINUTE + 30_000, spanId: `${minute}`.padStart(16, '0') }),
    ),
  );
  expect(await rows(clickHouse, times)).toEqual(expected);
  at(70 * MINUTE);
  await publisher.tick();
  expect(await rows(clickHouse, times)).toEqual(expected);
  at(3 * HOUR);
  await publisher.tick();
  expect(await rows(clickHouse, times)).toEqual(expected);
});

test('neither published days nor days outside the query are read from raw spans', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  at(23 * HOUR + 11 * MINUTE);
  await writer.write(decisionSpans(24, (index) => ({ time: START + index * HOUR })));
  await publisher.tick();
  const plan = await rows<{ explain: string }>(
    clickHouse,
    `EXPLAIN indexes = 1 SELECT sum(decisions) FROM origin_usage
     WHERE minute >= toDateTime({since:UInt32}, 'UTC') AND service = 'checkout'`,
    { since: (START + 12 * HOUR) / 1000 },
  );
  const text = plan.map(({ explain }) => explain).join('\n');
  const partsOf = (table: string) => /Parts: (\d+)/.exec(text.slice(text.indexOf(table)))?.[1];
  // Every publication and every day is a separate part here; all but those of the last hours are skipped.
  expect(partsOf('decision_spans)')).toBe('1');
  expect(Number(partsOf('usage_minutes)'))).toBeLessThanOrEqual(12);
});
