import { describe, expect, test } from 'vitest';
import type { DecisionSpan } from '../../../clickhouse/decision-span.ts';
import {
  decisionRequest,
  decisionSpan,
  realisticRequest,
  seeded,
} from '../../../test/support/otlp-bodies.ts';
import { encodeRequest, type TraceRequest } from '../../../test/support/otlp-schema.ts';
import { delimitedField } from '../../../test/support/wire.ts';
import { decodeTraces, type Encoding } from '../../otlp/decode.ts';
import { acceptedWindow } from '../../otlp/decoding-result.ts';
import { splitBody } from './split.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const random = seeded(5);
/** Three services; the spans of each share a resource and a scope. */
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

  test('a body that fits is unchanged', () => {
    expect(splitBody(body, encoding, body.length)).toEqual([body]);
  });

  test.each([
    ['by resource', 2.9],
    ['by span', 7],
    ['nearly a span each', 50],
  ])('split %s, the parts contain the same spans in order, and none is too large', (_, share) => {
    const maxBytes = Math.ceil(body.length / share);
    const parts = splitBody(body, encoding, maxBytes);
    expect(parts.length).toBeGreaterThanOrEqual(Math.ceil(share));
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(maxBytes);
    expect(read(parts)).toEqual(read([body]));
  });

  test('a single span that is too large is rejected with a clear error', () => {
    expect(() => splitBody(body, encoding, 300)).toThrow(
      expect.objectContaining({ code: 'BODY_TOO_LARGE', retryable: false }),
    );
  });
});

describe.each(['protobuf', 'json'] as const)('hostile bodies (%s)', (encoding) => {
  const MIB = 1024 ** 2;
  const encode = (traces: TraceRequest): Buffer =>
    encoding === 'json' ? Buffer.from(JSON.stringify(traces)) : encodeRequest(traces);
  const TOO_LARGE = expect.objectContaining({ code: 'BODY_TOO_LARGE', retryable: false });

  /** Spans under a resource of this size. */
  function withResource(bytes: number, spans: number): Buffer {
    const traces = decisionRequest(
      Array.from({ length: spans }, (_, n) => decisionSpan((n + 1).toString(16).padStart(16, '0'), NOW)),
    );
    traces.resourceSpans?.[0]?.resource?.attributes?.push({
      key: 'pad',
      value: { stringValue: ' '.repeat(bytes) },
    });
    return encode(traces);
  }

  test('a large resource is not multiplied by the number of parts: the body is rejected first', () => {
    const body = withResource(MIB, 60);
    expect(() => splitBody(body, encoding, MIB + 3_000)).toThrow(TOO_LARGE);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => splitBody(body, encoding, MIB + 3_000)).toThrow(/resources are too large/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * body.length);
  });

  test('parts together are at most twice as large as the body', () => {
    const body = withResource(4_000, 100);
    const parts = splitBody(body, encoding, 20_000);
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2 * body.length);
    expect(parts.flatMap((part) => decodeTraces(part, encoding, acceptedWindow(NOW)).spans)).toHaveLength(
      100,
    );
  });

  test('a million spans are rejected', () => {
    const one = encode({ resourceSpans: [{ scopeSpans: [{ spans: [{}] }] }] });
    const many =
      encoding === 'json'
        ? Buffer.from(one.toString().replace('[{}]', `[${'{},'.repeat(999_999)}{}]`))
        : protobufSpans(1_000_000);
    expect(() => splitBody(many, encoding, 1_000_000)).toThrow(/more than 250000 spans/);
  });
});

/** A protobuf request with this number of empty spans. */
function protobufSpans(count: number): Buffer {
  const spans = Buffer.alloc(2 * count, Buffer.from([0x12, 0]));
  return delimitedField(1, [delimitedField(2, [spans])]);
}
