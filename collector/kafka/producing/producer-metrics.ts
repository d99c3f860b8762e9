import type { Registry } from 'prom-client';
import { counter, counters } from '../../../server/readings.ts';
import type { GroupCommitCounters } from '../../ingest/group-commit.ts';

/** @param producer counters of the Kafka producer; its inserts are batches */
export function producerMetrics(registry: Registry, producer: Readonly<GroupCommitCounters>): void {
  counters(registry, 'originscope_producer_messages_total', 'Messages by outcome at Kafka', 'outcome', () => {
    const { inserts, retries, ...outcomes } = producer;
    return outcomes;
  });
  counter(registry, 'originscope_producer_batches_total', 'Attempted batches', () => producer.inserts);
  counter(
    registry,
    'originscope_producer_retries_total',
    'Batches that were retried, on another partition',
    () => producer.retries,
  );
}
