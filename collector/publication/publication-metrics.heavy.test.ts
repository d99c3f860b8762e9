import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { openTestClickHouse } from '../../test/support/clickhouse.ts';
import { decisionSpan } from '../../test/support/decision-spans.ts';
import { createWriter } from '../ingest/writer.ts';
import { publicationMetrics } from './publication-metrics.ts';
import { createPublisher } from './publisher.ts';

const HOUR = 3_600_000;

test('slots that are due for publication are reported until they are published', async () => {
  const clickhouse = await openTestClickHouse();
  const now = Date.now;
  const registry = new Registry();
  publicationMetrics(registry, clickhouse.reading, now);
  const writer = createWriter({ client: clickhouse.writing, now, lingerMillis: 1 });
  // One closed, one open.
  await writer.write([decisionSpan({ time: now() - HOUR }), decisionSpan({ time: now() })]);
  await writer.close();

  expect(await registry.metrics()).toContain('originscope_unpublished_slots{state="closed"} 1');
  await createPublisher({ client: clickhouse.publishing, now, readerGraceMillis: 0 }).tick();
  expect(await registry.metrics()).toContain('originscope_unpublished_slots{state="closed"} 0');

  await clickhouse.close();
  expect(await registry.metrics()).not.toContain('originscope_unpublished_slots{');
});
