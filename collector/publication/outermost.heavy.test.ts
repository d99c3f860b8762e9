import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { openTestClickHouse, rows } from '../../test/support/clickhouse.ts';
import { decisionSpans } from '../../test/support/decision-spans.ts';
import { createWriter } from '../ingest/writer.ts';
import { createPublisher } from './publisher.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR;

const VIEWS = ['origin_usage', 'origin_usage_hourly'] as const;

async function totals(clickHouse: ClickHouse): Promise<unknown> {
  const inAll: unknown[] = [];
  for (const view of VIEWS) {
    inAll.push(
      await rows(
        clickHouse,
        `SELECT service, observer, sum(u.decisions) AS seen, sumIf(u.decisions, outermost) AS counted
         FROM ${view} AS u GROUP BY service, observer ORDER BY service`,
      ),
    );
  }
  expect(inAll[0]).toEqual(inAll[1]);
  return inAll[0];
}

test('an exchange seen by both gateway and service is counted once in totals, before and after publication', async () => {
  const clickHouse = await openTestClickHouse();
  let clock = START + 5 * MINUTE;
  const now = () => clock;
  const writer = createWriter({ client: clickHouse.writing, now, lingerMillis: 0 });
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
  const write = (count: number, given: Partial<DecisionSpan> & Pick<DecisionSpan, 'time'>) =>
    writer.write(decisionSpans(count, () => given));

  const gateway = {
    service: 'edge',
    observer: 'gateway',
    source: 'derived',
    apiHost: 'api.example',
  } as const;
  // A blocked preflight never reached the service.
  await write(7, { ...gateway, time: START });
  await write(3, { time: START + 2 * MINUTE, decisions: 2 });
  await write(5, { service: 'search', apiHost: 'search.example', time: START });
  // In another slot there is no gateway before the service.
  await write(4, { time: START + 30 * MINUTE });
  // An observer that does not know the host has seen no service's requests.
  await write(1, { ...gateway, apiHost: '', time: START + 30 * MINUTE });
  await write(1, { service: 'nameless', apiHost: '', time: START + 30 * MINUTE });
  const expected = [
    { service: 'checkout', observer: 'service', seen: 10, counted: 4 },
    { service: 'edge', observer: 'gateway', seen: 8, counted: 8 },
    { service: 'nameless', observer: 'service', seen: 1, counted: 1 },
    { service: 'search', observer: 'service', seen: 5, counted: 5 },
  ];
  expect(await totals(clickHouse)).toEqual(expected);

  clock = START + 15 * MINUTE;
  await publisher.tick();
  expect(await rows(clickHouse, 'SELECT count() > 0 AS any FROM usage_minutes')).toEqual([{ any: 1 }]);
  expect(await totals(clickHouse)).toEqual(expected);

  clock = START + 2 * HOUR;
  await publisher.tick();
  expect(await rows(clickHouse, 'SELECT count() > 0 AS any FROM usage_hours')).toEqual([{ any: 1 }]);
  expect(await totals(clickHouse)).toEqual(expected);

  // The gateway's spans may arrive late: the slot is published again.
  await write(6, { ...gateway, service: 'edge-late', time: START + 31 * MINUTE });
  await publisher.tick();
  expect(await totals(clickHouse)).toEqual([
    { service: 'checkout', observer: 'service', seen: 10, counted: 0 },
    ...expected.slice(1, 2),
    { service: 'edge-late', observer: 'gateway', seen: 6, counted: 6 },
    ...expected.slice(2),
  ]);
});
