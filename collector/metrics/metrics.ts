import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { counter, counters, gauge } from '../../server/readings.ts';
import { createDecisionCounts } from '../ingest/decision-counts.ts';
import type { WriterCounters } from '../ingest/writer.ts';
import type { ConsumerCounters } from '../kafka/consuming/consumer-counters.ts';
import type { ReceiverCounters } from '../otlp/counters.ts';

/** A registry with what every process tells: memory, CPU, event loop. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

export function receiverMetrics(registry: Registry, receiver: ReceiverCounters): void {
  const { requests, spans } = receiver;
  counters(
    registry,
    'originscope_receiver_requests_total',
    'OTLP requests by how they ended',
    'outcome',
    () => requests,
  );
  counters(
    registry,
    'originscope_receiver_spans_total',
    'Spans of accepted and refused requests by what became of them',
    'outcome',
    () => ({ accepted: spans.accepted, passedOver: spans.passedOver, refused: spans.refused }),
  );
  counters(
    registry,
    'originscope_receiver_rejected_spans_total',
    'Spans that were rejected, and told so to their sender',
    'reason',
    () => spans.rejected,
  );
  counter(
    registry,
    'originscope_receiver_bytes_total',
    'Bytes of accepted bodies after inflating',
    () => receiver.bytes,
  );
  gauge(
    registry,
    'originscope_receiver_held_bytes',
    'Bytes of bodies that are being read or wait for their write',
    () => receiver.heldBytes,
  );
  counter(
    registry,
    'originscope_receiver_closed_connections_total',
    'Connections that were closed because there were too many, and their senders the slowest',
    () => receiver.closedConnections,
  );
}

export interface WriterMetrics {
  /** To be called for every insert that returned. */
  inserted(spans: readonly DecisionSpan[], seconds: number): void;
}

/** @param writer its counters, which may be asked for later */
export function writerMetrics(registry: Registry, writer: () => WriterCounters): WriterMetrics {
  counters(
    registry,
    'originscope_writer_spans_total',
    'Decision spans by what became of them at ClickHouse',
    'outcome',
    () => {
      const { inserts, retries, ...outcomes } = writer();
      return outcomes;
    },
  );
  counter(registry, 'originscope_writer_inserts_total', 'Inserts that were tried', () => writer().inserts);
  counter(
    registry,
    'originscope_writer_retries_total',
    'Inserts that were tried again',
    () => writer().retries,
  );
  const seconds = new Histogram({
    name: 'originscope_writer_insert_seconds',
    help: 'How long inserts took that succeeded',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const decisions = createDecisionCounts();
  const metric: Counter = new Counter({
    name: 'cors_decisions_total',
    help: 'Decisions that this process wrote; a redelivered span counts again here, not in ClickHouse',
    labelNames: ['service', 'kind', 'verdict', 'reason'],
    registers: [registry],
    collect() {
      metric.reset();
      for (const [labels, count] of decisions) metric.inc({ ...labels }, count);
    },
  });
  counter(
    registry,
    'originscope_writer_other_origin_decisions_total',
    'Decisions of origins past the budget of new ones, counted together as (other)',
    () => decisions.ofOtherOrigins,
  );
  return {
    inserted(spans, took) {
      seconds.observe(took);
      decisions.count(spans);
    },
  };
}

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
