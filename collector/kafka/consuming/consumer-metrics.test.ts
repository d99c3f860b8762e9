import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { noConsumerCounts } from './consumer-counters.ts';
import { consumerMetrics } from './consumer-metrics.ts';

test('lag by partition, dead letters and lost messages are there for Prometheus', async () => {
  const registry = new Registry();
  const counters = noConsumerCounts();
  consumerMetrics(registry, counters);
  counters.deadLetters.OTLP_MALFORMED = 2;
  counters.lost = 9;
  counters.lag = new Map([[3, 14]]);
  await registry.metrics();
  // The partition went to another consumer.
  counters.lag = new Map([[4, 15]]);
  const lines = (await registry.metrics()).split('\n');
  expect(lines).toContain('originscope_consumer_dead_letters_total{reason="otlp_malformed"} 2');
  expect(lines).toContain('originscope_consumer_lost_messages_total 9');
  expect(lines.filter((line) => line.startsWith('originscope_consumer_lag'))).toEqual([
    'originscope_consumer_lag_messages{partition="4"} 15',
  ]);
});
