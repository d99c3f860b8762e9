import { Gauge, type Registry } from 'prom-client';
import type { ConsumerCounters } from '../kafka/consumer-counters.ts';
import { counter, counters } from './readings.ts';

export function consumerMetrics(registry: Registry, consumer: Readonly<ConsumerCounters>): void {
  const { spans } = consumer;
  const count = (name: string, help: string, read: () => number): void =>
    counter(registry, `originscope_consumer_${name}_total`, help, read);
  count('messages', 'Messages that were kept, as rows or as dead letters', () => consumer.messages);
  count('bytes', 'Bytes of the bodies of those messages', () => consumer.bytes);
  counters(
    registry,
    'originscope_consumer_spans_total',
    'Spans of messages by what they were',
    'outcome',
    () => ({ accepted: spans.accepted, passedOver: spans.passedOver }),
  );
  counters(
    registry,
    'originscope_consumer_rejected_spans_total',
    'Spans of messages that were rejected',
    'reason',
    () => spans.rejected,
  );
  counters(
    registry,
    'originscope_consumer_dead_letters_total',
    'Messages that were written to the dead-letter topic',
    'reason',
    () => consumer.deadLetters,
  );
  count('pauses', 'Times that ClickHouse, or the dead-letter topic, was waited for', () => consumer.pauses);
  count('rebalances', 'Times that the group shared its partitions anew', () => consumer.rebalances);
  count('restarts', 'Times that the group was joined anew after an error', () => consumer.restarts);
  count('commit_failures', 'Offset commits that failed', () => consumer.commitFailures);
  count('lost_messages', 'Messages that retention deleted before they were read', () => consumer.lost);
  count(
    'held_cleanings',
    'Times that raw days were kept for messages that are not read yet',
    () => consumer.cleaningsHeld,
  );
  const lag: Gauge = new Gauge({
    name: 'originscope_consumer_lag_messages',
    help: 'Messages that wait in the partitions of this consumer',
    labelNames: ['partition'],
    registers: [registry],
    collect() {
      lag.reset();
      for (const [partition, messages] of consumer.lag) lag.set({ partition: String(partition) }, messages);
    },
  });
}
