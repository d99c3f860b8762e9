import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import { publicationState } from '../../reports/publication-state.ts';
import { rows } from '../../test/support/clickhouse.ts';
import { blocked, decisionSpan, decisionSpans } from '../../test/support/decision-spans.ts';
import { HOUR, MINUTE, pipeline, START } from '../../test/support/pipeline.ts';
import { publishEach } from './publish-each.ts';
import { createPublisher } from './publisher.ts';

const SLOT = 10 * MINUTE;

async function decisions(clickHouse: ClickHouse): Promise<unknown> {
  return await rows(
    clickHouse,
    'SELECT service, sum(decisions) AS decisions FROM origin_usage GROUP BY service ORDER BY service',
  );
}

test('a slot with a damaged part does not block others, is reported with the reason, and is published once repaired', async () => {
  const { clickHouse, writer, at, now } = await pipeline();
  let elapsed = 0;
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now,
    elapsed: () => elapsed,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
  await writer.write(decisionSpans(50, () => ({ time: START, service: 'damaged' })));
  const [part] = await rows<{ path: string }>(
    clickHouse,
    `SELECT path FROM system.parts WHERE table = 'decision_spans' AND active`,
  );
  await writer.write([
    decisionSpan({ time: START + SLOT, service: 'same-hour' }),
    decisionSpan({ time: START + HOUR, service: 'next-hour' }),
  ]);
  await clickHouse.writing.command({ query: 'SYSTEM STOP MERGES' });
  const file = `${part?.path}data.bin`;
  const whole = readFileSync(file);
  writeFileSync(file, Buffer.from(whole).fill(0x55, 40, 400));

  at(3 * HOUR);
  expect(await publisher.tick()).toEqual({ slots: [START + SLOT, START + HOUR], hours: [START + HOUR] });
  expect([...publisher.stuck]).toEqual([[START, expect.stringMatching(/\w{10}/)]]);
  const { stuck } = await publicationState(clickHouse.reading, now());
  expect(stuck).toEqual([{ slot: START, reason: publisher.stuck.get(START) }]);
  // Reading it again immediately would fail the same way.
  expect(await publisher.tick()).toEqual({ slots: [], hours: [] });

  writeFileSync(file, whole);
  elapsed += 10 * MINUTE;
  expect((await publisher.tick()).slots).toEqual([START]);
  expect(publisher.stuck.size).toBe(0);
  expect((await publicationState(clickHouse.reading, now())).stuck).toEqual([]);
  expect(await decisions(clickHouse)).toEqual([
    { service: 'damaged', decisions: 50 },
    { service: 'next-hour', decisions: 1 },
    { service: 'same-hour', decisions: 1 },
  ]);
});

test('a slot too large for one statement is aggregated in pieces, with the same result', async () => {
  const { clickHouse, writer, publisher, at } = await pipeline();
  await writer.write([
    ...decisionSpans(300, (index) => ({
      time: START + (index % 10) * MINUTE,
      origin: `https://${index % 40}.example`,
      decisions: 1 + index,
      ...(index % 3 === 0 && blocked),
      // Also seen by the gateway: only its rows are the outermost.
      ...(index % 5 === 0 && { observer: 'gateway' as const, service: 'gateway' }),
    })),
  ]);
  at(15 * MINUTE);
  const published = () =>
    rows(clickHouse, 'SELECT * FROM origin_usage ORDER BY ALL').then((all) => JSON.stringify(all));
  expect((await publisher.tick()).slots).toEqual([START]);
  const atOnce = await published();

  const { publication } = publisher;
  const tried: string[] = [];
  const limited = {
    ...publication,
    client: Object.assign(Object.create(publication.client), {
      command(statement: Parameters<ClickHouse['publishing']['command']>[0]) {
        const { query, query_params } = statement;
        if (query.startsWith('INSERT INTO usage_minutes')) {
          const [, pieces] = /origin\) % (\d+)/.exec(query) ?? [];
          tried.push(query_params?.minute === undefined ? 'slots at once' : `minutes in ${pieces}`);
          if (pieces !== '16') {
            throw Object.assign(new Error('Query memory limit exceeded\nwould use more'), { code: '241' });
          }
        }
        return publication.client.command(statement);
      },
    }),
  };
  expect(await publishEach(limited, { table: 'decision_spans' }, [START])).toEqual({
    marked: [START],
    failed: new Map(),
  });
  expect([...new Set(tried)]).toEqual(['slots at once', 'minutes in 1', 'minutes in 16']);
  expect(await published()).toBe(atOnce);
});

test('while the engine is unreachable, slots are not tried one by one', async () => {
  const { publisher } = await pipeline();
  let statements = 0;
  const away = () => {
    statements++;
    return Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
  };
  const publication = { ...publisher.publication, client: { query: away, command: away } as never };
  await expect(publishEach(publication, { table: 'decision_spans' }, [START, START + SLOT])).rejects.toThrow(
    'ECONNREFUSED',
  );
  expect(statements).toBe(1);
});
