import { describe, expect, test } from 'vitest';
import { realisticRequest, seeded } from '../../test/support/otlp-bodies.ts';
import { encodeRequest, type TraceRequest } from '../../test/support/otlp-schema.ts';
import type { DecisionSpan } from '../decision-span.ts';
import { decodeTraces, type Encoding } from '../otlp/decode.ts';
import { acceptedWindow } from '../otlp/decoded.ts';
import { splitBody } from './split.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const random = seeded(5);
/** Of three services; the spans of each share a resource and a scope. */
const request: TraceRequest = {
  resourceSpans: [1, 2, 3].flatMap(
    (service) => realisticRequest({ random, time: NOW, service, spans: 40 }).resourceSpans ?? [],
  ),
};
const bodies: readonly (readonly [Encoding, Buffer])[] = [
  ['protobuf', encodeRequest(request)],
  ['json', Buffer.from(JSON.stringify(request))],
];

describe.each(bodies)('%s', (encoding, body) => {
  const read = (parts: readonly Buffer[]): DecisionSpan[] =>
    parts.flatMap((part) => decodeTraces(part, encoding, acceptedWindow(NOW)).spans);

  test('a body that fits stays as it is', () => {
    expect(splitBody(body, encoding, body.length)).toEqual([body]);
  });

  test.each([
    ['by resource', 2.9],
    ['by span', 7],
    ['nearly a span each', 50],
  ])('split %s, the parts hold the same spans in order, and none is too large', (_, share) => {
    const maxBytes = Math.ceil(body.length / share);
    const parts = splitBody(body, encoding, maxBytes);
    expect(parts.length).toBeGreaterThanOrEqual(Math.ceil(share));
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(maxBytes);
    expect(read(parts)).toEqual(read([body]));
  });

  test('a single span that is larger is refused, and says so', () => {
    expect(() => splitBody(body, encoding, 300)).toThrow(
      expect.objectContaining({ code: 'BODY_TOO_LARGE', retryable: false }),
    );
  });
});
