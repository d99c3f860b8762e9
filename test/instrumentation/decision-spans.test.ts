import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTraces } from '../../collector/otlp/decode.ts';
import { acceptedWindow } from '../../collector/otlp/decoding-result.ts';
import { Coalescer } from '../../instrumentation/src/coalescing/coalescer.ts';
import { encodeOtlpJson, identify } from '../../instrumentation/src/delivery/otlp-json.ts';
import { resourceOf } from '../../instrumentation/src/delivery/resource.ts';
import {
  ALLOW_ORIGINS,
  BLOCKED_REASONS,
  CREDENTIALS,
  SITES,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Observation } from '../../instrumentation/src/observation.ts';
import { blockedObservation } from '../support/observation.ts';
import { encodeRequest, type TraceRequest } from '../support/otlp-schema.ts';

const START = Date.UTC(2026, 10, 22, 12, 0, 0);
const RESOURCE = resourceOf({
  OTEL_SERVICE_NAME: 'checkout',
  OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2,deployment.environment.name=prod,service.instance.id=pod-1',
});

/** What the instrumentation sends for these observations, as text. */
function sent(observations: readonly Observation[]): string {
  const options = {
    newKeysAtStart: 500,
    newKeysPerMinute: 50,
    blockedSpansPerSecond: 20,
    blockedSpansBurst: 100,
  };
  const coalescer = new Coalescer({ ...options, intervalMillis: 10_000 });
  for (const observation of observations) coalescer.record(observation);
  return encodeOtlpJson(RESOURCE, identify(coalescer.cut(START, Number.POSITIVE_INFINITY, true)));
}

const received = (text: string) => decodeTraces(Buffer.from(text), 'json', acceptedWindow(START));

describe('what the instrumentation sends', () => {
  test('is decoded by the collector field by field', () => {
    const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const text = sent([
      blockedObservation(
        { time: START, method: 'OPTIONS', statusCode: 204, clientBit: 5, link },
        {
          kind: 'preflight',
          reason: 'header_not_allowed',
          detail: 'x-b',
          requestHeaders: ['x-a', 'x-b'],
          requestMethod: 'PUT',
          maxAge: 600,
          allowOrigin: 'exact',
          allowCredentials: true,
        },
      ),
    ]);
    const { spans } = received(text);
    expect(spans).toEqual([
      {
        service: 'checkout',
        instance: expect.stringMatching(/^pod-1\/[0-9a-f]{8}$/),
        environment: 'prod',
        version: '1.2',
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        time: START,
        derivation: expect.any(Number),
        observer: 'service',
        source: 'instrumented',
        decisions: 1,
        total: 1,
        kind: 'preflight',
        verdict: 'blocked',
        reason: 'header_not_allowed',
        detail: 'x-b',
        origin: 'https://shop.example',
        method: 'PUT',
        requestHeaders: 'x-a,x-b',
        credentials: 'omitted',
        allowOrigin: 'exact',
        allowCredentials: true,
        varyOrigin: true,
        maxAge: 600,
        site: 'cross-site',
        browser: true,
        statusCode: 204,
        route: '/orders/:id',
        apiHost: 'api.example',
        clients: '0000000000000020',
        path: '/orders/:id',
        linkTraceId: link.traceId,
        linkSpanId: link.spanId,
      },
    ]);
  });

  test('is accepted and counted exactly for any texts and numbers in an observation', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '(other)', '\0', '\ud800', '__proto__'),
    );
    const decision = fc.record({
      kind: fc.constantFrom('preflight' as const, 'actual' as const, 'ambiguous' as const),
      verdict: fc.constant('blocked' as const),
      reason: fc.constantFrom(...BLOCKED_REASONS),
      origin: text,
      detail: text,
      requestMethod: text,
      requestHeaders: fc.array(text, { maxLength: 32 }),
      credentials: fc.constantFrom(...CREDENTIALS),
      allowOrigin: fc.constantFrom(...ALLOW_ORIGINS),
      site: fc.constantFrom(...SITES),
      maxAge: fc.option(fc.double(), { nil: undefined }),
    });
    const given = fc.record({
      time: fc.integer({ min: START - 3_600_000, max: START }),
      route: fc.option(text, { nil: undefined }),
      path: text,
      serverAddress: fc.option(text, { nil: undefined }),
      statusCode: fc.oneof(fc.integer(), fc.double()),
      clientBit: fc.option(fc.integer({ min: 0, max: 63 }), { nil: undefined }),
    });
    const observations = fc.array(
      fc.tuple(given, decision).map(([of, facts]) => blockedObservation(of, facts)),
    );
    fc.assert(
      fc.property(observations, (all) => {
        const { spans, rejected, passedOver } = received(sent(all));
        expect({ rejected, passedOver }).toEqual({ rejected: 0, passedOver: 0 });
        expect(spans.reduce((sum, span) => sum + span.decisions, 0)).toBe(all.length);
      }),
      { numRuns: 100 },
    );
  });

  test('is valid OTLP according to the official schema', () => {
    const text = sent([blockedObservation({ time: START }, { requestHeaders: ['x-a'], maxAge: 5 })]);
    const inProtobuf = encodeRequest(JSON.parse(text) as TraceRequest);
    const { spans } = decodeTraces(inProtobuf, 'protobuf', acceptedWindow(START));
    expect(spans).toEqual(received(text).spans);
    expect(spans).toHaveLength(1);
  });
});
