import type { Registry } from 'prom-client';
import { counter, counters, gauge } from '../../server/readings.ts';
import type { ReceiverCounters } from './counters.ts';

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
