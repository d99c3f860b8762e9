import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { RETENTION } from '../../clickhouse/retention.ts';
import { report } from '../../reports/report.ts';
import { temporaryDirectory } from '../../test/support/clickhouse.ts';
import { decisionSpan } from '../../test/support/decision-spans.ts';
import { HOUR, pipeline, START } from '../../test/support/pipeline.ts';
import { until } from '../../test/support/until.ts';
import { startCollector } from '../collector.ts';

test('a slot that cannot be published is reported by readiness, health and the report, and does not block other work', async () => {
  const directory = await temporaryDirectory();
  const { clickHouse, writer, publisher, at } = await pipeline(directory);
  await writer.write([
    decisionSpan({ time: START, spanId: '00000000000000b1' }),
    decisionSpan({ time: START }),
  ]);
  at(HOUR);
  await publisher.tick();
  // Fewer spans are left than were published, so the slot stays due.
  await clickHouse.writing.command({ query: 'TRUNCATE TABLE decision_spans' });
  await writer.write([decisionSpan({ time: START, spanId: '00000000000000b2' })]);
  await clickHouse.close();

  const collector = await startCollector({
    location: { directory },
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    auth: 'token',
    retention: RETENTION,
    log: pino({ level: 'silent' }),
    now: Date.now,
    watchMillis: 50,
  });
  onTestFinished(() => collector.close());
  const sentence = `Slot ${new Date(START).toISOString().replace('.000', '')} could not be published: fewer of its raw spans are left than were published`;
  const ask = async (path: string) => {
    const response = await fetch(`${collector.url}${path}`);
    return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
  };
  await until(async () => 'troubles' in (await ask('/readyz')));
  expect(await ask('/readyz')).toEqual({ status: 200, ready: true, troubles: [sentence] });
  expect(await ask('/healthz')).toMatchObject({ stuck: [sentence] });
  expect(await report(collector.clickhouse.reading, { since: START, until: START + HOUR })).toMatchObject({
    troubles: [sentence],
  });
});
