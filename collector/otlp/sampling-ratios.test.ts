import { expect, onTestFinished, test } from 'vitest';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { decisionRequest, decisionSpan } from '../../test/support/otlp-bodies.ts';
import type { Span } from '../../test/support/otlp-schema.ts';
import { parseSamplingRatios } from '../derivation/sampling.ts';
import { createReceiver, type ReceiverOptions } from './receiver.ts';

test('decisions derived from a service’s HTTP spans are counted by the ratio that was configured', async () => {
  expect(await rowsOf({ samplingRatios: parseSamplingRatios('orders=0.1') }, {})).toMatchObject([
    { service: 'orders', source: 'estimated', decisions: 10 },
    { service: 'search', source: 'sampled', decisions: 1 },
  ]);
});

test('the tracestate of a client has no effect on counts unless the operator trusts it', async () => {
  const sent = { traceState: 'ot=th:c', parentSpanId: 'aaaaaaaaaaaaaaaa' };
  const samplingRatios = parseSamplingRatios('orders=0.1');
  expect(await rowsOf({ samplingRatios }, sent)).toMatchObject([{ decisions: 10 }, { decisions: 1 }]);
  expect(await rowsOf({ samplingRatios, inboundTracestate: 'trusted' }, sent)).toMatchObject([
    { decisions: 10 },
    { decisions: 4 },
  ]);
});

/** The rows that a receiver writes for a span of `orders` and the same span of `search`. */
async function rowsOf(
  options: Pick<ReceiverOptions, 'samplingRatios' | 'inboundTracestate'>,
  given: Span,
): Promise<DecisionSpan[]> {
  const written: DecisionSpan[] = [];
  const receiver = createReceiver({
    host: '127.0.0.1',
    port: 0,
    now: Date.now,
    ready: () => true,
    write: async ({ spans }) => void written.push(...spans),
    ...options,
  });
  onTestFinished(() => receiver.close());
  const url = await receiver.listen();

  const span = decisionSpan('00f067aa0ba902b7', Date.now(), {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.request.header.origin': 'https://shop.example',
  });
  for (const service of ['orders', 'search']) {
    const request = decisionRequest([{ ...span, kind: 2, ...given }], { 'service.name': service });
    for (const { scopeSpans = [] } of request.resourceSpans ?? []) delete scopeSpans[0]?.scope;
    await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
  }
  return written;
}
