import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { blocked, decisionSpan } from '../../test/support/decision-spans.ts';
import { createDecisionCounts } from './decision-counts.ts';
import { writerMetrics } from './write-metrics.ts';

const COUNTERS = {
  written: 7,
  refused: 1,
  failed: 0,
  overloaded: 0,
  late: 2,
  ahead: 0,
  inserts: 3,
  retries: 1,
};

test('decisions, inserts and what became of spans are there for Prometheus', async () => {
  const registry = new Registry();
  const metrics = writerMetrics(registry, () => COUNTERS);
  const span = decisionSpan({ time: 0, service: 'shop"\\\napi', decisions: 3 });
  metrics.inserted(
    [
      span,
      span,
      decisionSpan({ time: 0, ...blocked, service: 'shop', reason: 'acao_missing', origin: '(other)' }),
    ],
    0.3,
  );

  const lines = (await registry.metrics()).split('\n');
  expect(lines).toContain(
    'cors_decisions_total{service="shop\\"\\\\\\napi",kind="actual",verdict="allowed",reason=""} 6',
  );
  expect(lines).toContain(
    'cors_decisions_total{service="shop",kind="actual",verdict="blocked",reason="acao_missing"} 1',
  );
  expect(lines).toContain('originscope_writer_spans_total{outcome="late"} 2');
  expect(lines).toContain('originscope_writer_inserts_total 3');
  expect(lines).toContain('originscope_writer_other_origin_decisions_total 1');
  expect(lines).toContain('originscope_writer_insert_seconds_bucket{le="0.5"} 1');
  // A second scrape reads the same counters, it does not add them.
  expect(await registry.metrics()).toContain('originscope_writer_spans_total{outcome="written"} 7');
});

test('past the most services, new ones are counted together and nothing is lost', () => {
  const counts = createDecisionCounts(2);
  for (const service of ['a', 'b', 'c', 'd', 'a'])
    counts.count([decisionSpan({ time: 0, service, decisions: 2 })]);
  expect([...counts].map(([{ service }, decisions]) => [service, decisions])).toEqual([
    ['a', 4],
    ['b', 2],
    ['(other)', 4],
  ]);
});
