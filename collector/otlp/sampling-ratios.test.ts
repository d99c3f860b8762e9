import { expect, onTestFinished, test } from 'vitest';
import { decisionRequest, decisionSpan } from '../../test/support/otlp-bodies.ts';
import type { DecisionSpan } from '../decision-span.ts';
import { parseSamplingRatios } from '../derivation/sampling.ts';
import { createReceiver } from './receiver.ts';

test('decisions derived from a service’s HTTP spans are counted by the ratio that was configured', async () => {
  const written: DecisionSpan[] = [];
  const receiver = createReceiver({
    host: '127.0.0.1',
    port: 0,
    now: Date.now,
    ready: () => true,
    write: async ({ spans }) => void written.push(...spans),
    samplingRatios: parseSamplingRatios('orders=0.1'),
  });
  onTestFinished(() => receiver.close());
  const url = await receiver.listen();

  const span = decisionSpan('00f067aa0ba902b7', Date.now(), {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.request.header.origin': 'https://shop.example',
  });
  for (const service of ['orders', 'search']) {
    const request = decisionRequest([{ ...span, kind: 2 }], { 'service.name': service });
    for (const { scopeSpans = [] } of request.resourceSpans ?? []) delete scopeSpans[0]?.scope;
    await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
  }
  expect(written).toMatchObject([
    { service: 'orders', source: 'estimated', decisions: 10 },
    { service: 'search', source: 'sampled', decisions: 1 },
  ]);
});
