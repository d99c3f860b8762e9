import { Gauge, type Registry } from 'prom-client';
import { counter, counters } from '../../../server/readings.ts';
import type { ConsumerCounters } from './consumer-counters.ts';

export function consumerMetrics(registry: Registry, consumer: ConsumerCounters): void {
  const events = (): Record<string, number> => ({
    pause: consumer.pauses,
    rebalance: consumer.rebalances,
    restart: consumer.restarts,
    commitFailure: consumer.commitFailures,
    cleaningHeld: consumer.cleaningsHeld,
  });
  counter(
    registry,
    'originscope_consumer_messages_total',
    'Messages that are kept, as rows or as dead letters; again each time that one is delivered',
    () => consumer.messages,
  );
  counter(registry, 'originscope_consumer_bytes_total', 'Bytes of those messages', () => consumer.bytes);
  counters(
    registry,
    'originscope_consumer_spans_total',
    'Spans of those messages by what became of them, dead letters aside',
    'outcome',
    () => ({ accepted: consumer.spans.accepted, passedOver: consumer.spans.passedOver }),
  );
  counters(
    registry,
    'originscope_consumer_rejected_spans_total',
    'Spans that are broken, or whose time is not taken',
    'reason',
    () => consumer.spans.rejected,
  );
  counters(
    registry,
    'originscope_consumer_dead_letters_total',
    'Messages that cannot be stored, and went to the dead-letter topic',
    'reason',
    () => consumer.deadLetters,
  );
  counter(
    registry,
    'originscope_consumer_lost_messages_total',
    'Messages that retention deleted before they were read',
    () => consumer.lost,
  );
  counters(registry, 'originscope_consumer_events_total', 'What happened beside reading', 'event', events);
  const lag: Gauge = new Gauge({
    name: 'originscope_consumer_lag_messages',
    help: 'Messages that wait, by partition of this consumer',
    labelNames: ['partition'],
    registers: [registry],
    collect() {
      lag.reset();
      for (const [partition, messages] of consumer.lag) lag.set({ partition }, messages);
    },
  });
}
