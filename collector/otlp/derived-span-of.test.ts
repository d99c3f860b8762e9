import { describe, expect, test } from 'vitest';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { type Attributes, keyValues } from '../../test/support/otlp-bodies.ts';
import { encodeRequest, type Span, type TraceRequest } from '../../test/support/otlp-schema.ts';
import { parseSamplingRatios } from '../derivation/sampling.ts';
import { DERIVATION_RULES, decodeTraces, derivationRules } from './decode.ts';
import { acceptedWindow, type Decoded } from './decoding-result.ts';

const NOW = Date.UTC(2026, 10, 22, 20, 0, 0);
const WINDOW = acceptedWindow(NOW);
const ID = '00f067aa0ba902b7';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** Decodes the request in both encodings and asserts that they agree. */
function decode(request: TraceRequest, rules = DERIVATION_RULES): Decoded {
  const decoded = decodeTraces(encodeRequest(request), 'protobuf', WINDOW, rules);
  expect(decodeTraces(Buffer.from(JSON.stringify(request)), 'json', WINDOW, rules)).toEqual(decoded);
  return decoded;
}

const BLOCKED: Attributes = {
  'http.request.method': 'GET',
  'http.response.status_code': 200,
  'url.path': '/orders/42',
  'http.request.header.origin': ['https://shop.example'],
  'http.request.header.sec-fetch-mode': ['cors'],
  'http.request.header.sec-fetch-site': ['cross-site'],
};

interface Given {
  readonly span?: Span;
  readonly attributes?: Attributes;
  readonly resource?: Attributes;
  readonly scope?: string;
}

function serverSpan({ span, attributes, resource, scope = 'some.instrumentation' }: Given): TraceRequest {
  const nanos = `${NOW}123456`;
  const whole: Span = {
    traceId: TRACE_ID,
    spanId: ID,
    name: 'GET',
    kind: 2,
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes: keyValues({ ...BLOCKED, ...attributes }),
    ...span,
  };
  return {
    resourceSpans: [
      {
        resource: {
          attributes: keyValues({
            'service.name': 'orders',
            'originscope.headers_captured': 'true',
            ...resource,
          }),
        },
        scopeSpans: [{ scope: { name: scope }, spans: [whole] }],
      },
    ],
  };
}

function rowOf(given: Given, rules = DERIVATION_RULES): DecisionSpan {
  const decoded = decode(serverSpan(given), rules);
  expect(decoded).toMatchObject({ spans: [{ spanId: ID }], passedOver: 0, rejected: 0 });
  return decoded.spans[0] as DecisionSpan;
}

test('the row of a derived decision links to the span that it came from', () => {
  expect(rowOf({})).toMatchObject({
    service: 'orders',
    spanId: ID,
    time: NOW,
    derivation: 1,
    observer: 'service',
    decisions: 1,
    total: 0,
    verdict: 'blocked',
    reason: 'acao_missing',
    path: '/orders/:id',
    linkTraceId: TRACE_ID,
    linkSpanId: ID,
  });
});

test('the path is kept of blocked requests only', () => {
  const attributes = { 'http.response.header.access-control-allow-origin': '*' };
  const omitted = { 'http.request.header.sec-ch-ua': '"Chromium";v="156"' };
  expect(rowOf({ attributes: { ...attributes, ...omitted } })).toMatchObject({
    verdict: 'allowed',
    path: '',
  });
});

test('a list of empty strings is an absent header', () => {
  const attributes = { 'http.response.header.access-control-allow-origin': ['', ''] };
  expect(rowOf({ attributes })).toMatchObject({ reason: 'acao_missing', allowOrigin: 'absent' });
});

test('only server spans are evaluated: a client or internal span has the same headers', () => {
  for (const kind of [0, 1, 3, 4, 5]) {
    expect(decode(serverSpan({ span: { kind } }))).toMatchObject({ spans: [], passedOver: 1, rejected: 0 });
  }
});

test('an exchange that our instrumentation observed is not counted again', () => {
  for (const observed of [true, 'true']) {
    const request = serverSpan({ attributes: { 'cors.observed': observed } });
    expect(decode(request)).toMatchObject({ spans: [], passedOver: 1 });
  }
});

test('a rejected candidate is reported to its sender, other spans are not', () => {
  const span = { startTimeUnixNano: '1000000' };
  expect(decode(serverSpan({ span }))).toMatchObject({ rejected: 1, rejections: { too_old: 1 } });
  const foreign = serverSpan({
    span,
    attributes: { 'http.request.header.origin': '', 'http.request.header.sec-fetch-mode': '' },
  });
  expect(decode(foreign)).toMatchObject({ rejected: 0, passedOver: 1 });
});

describe('a missing header counts as absent only where that was declared', () => {
  test.each<[string, Given, string]>([
    ['as text', {}, 'acao_missing'],
    ['as a boolean', { resource: { 'originscope.headers_captured': true } }, 'acao_missing'],
    ['not', { resource: { 'originscope.headers_captured': 'false' } }, 'headers_not_captured'],
    [
      'of Node’s instrumentation, which does not see headers passed to writeHead',
      { scope: '@opentelemetry/instrumentation-http' },
      'headers_not_captured',
    ],
  ])('%s', (_, given, reason) => {
    expect(rowOf(given).reason).toBe(reason);
  });
});

describe('the observer', () => {
  test.each<[string, Given, string]>([
    ['a service', {}, 'service'],
    ['nginx by its scope', { scope: 'nginx' }, 'gateway'],
    ['Traefik by its scope', { scope: 'github.com/traefik/traefik' }, 'gateway'],
    ['Envoy by its SDK', { resource: { 'telemetry.sdk.name': 'envoy' } }, 'gateway'],
    ['a declared gateway', { resource: { 'originscope.observer': 'gateway' } }, 'gateway'],
    [
      'an nginx that is not a gateway',
      { scope: 'nginx', resource: { 'originscope.observer': 'service' } },
      'service',
    ],
    ['an unknown value', { resource: { 'originscope.observer': 'moon' } }, 'service'],
  ])('%s', (_, given, observer) => {
    expect(rowOf(given).observer).toBe(observer);
  });
});

describe('the accuracy of a count', () => {
  const withRatios = (pairs: string) => ({ ...DERIVATION_RULES, samplingRatios: parseSamplingRatios(pairs) });
  const tenth = withRatios('orders=0.1');
  const trusting = derivationRules(undefined, 'trusted');
  const withState = (traceState: string, span: Span = {}): Given => ({ span: { traceState, ...span } });
  const HUGE = 'ot=th:ffffef';
  const PARENT = 'aaaaaaaaaaaaaaaa';
  // Bits 8 and 9 of the flags: whether it is known if the parent is remote, and if it is.
  const LOCAL = 0x100;
  const REMOTE = 0x300;
  test.each<[string, Given, typeof tenth, string, number]>([
    ['the ratio is unknown', {}, DERIVATION_RULES, 'sampled', 1],
    ['the configuration says every request has a span', {}, withRatios('*=1'), 'derived', 1],
    ['the configuration says a tenth', {}, tenth, 'estimated', 10],
    ['the sampler of a root span says a quarter', withState('ot=th:c'), DERIVATION_RULES, 'estimated', 4],
    ['the sampler of a root span says all', withState('ot=th:0'), DERIVATION_RULES, 'derived', 1],
    ['the sampler says nothing readable', withState('ot=th:what'), DERIVATION_RULES, 'sampled', 1],
    [
      'a root span that says so by its flags',
      withState('ot=th:c', { flags: LOCAL }),
      DERIVATION_RULES,
      'estimated',
      4,
    ],
    ['the configuration goes before tracestate', withState('ot=th:c'), tenth, 'estimated', 10],
    ['the configuration for all others does, too', withState(HUGE), withRatios('*=1'), 'derived', 1],
    [
      'a client sent the tracestate',
      withState(HUGE, { parentSpanId: PARENT }),
      DERIVATION_RULES,
      'sampled',
      1,
    ],
    [
      'a client sent it, by the flags',
      withState(HUGE, { parentSpanId: PARENT, flags: REMOTE }),
      DERIVATION_RULES,
      'sampled',
      1,
    ],
    [
      'a client sent it, by the flags alone',
      withState(HUGE, { flags: REMOTE }),
      DERIVATION_RULES,
      'sampled',
      1,
    ],
    [
      'an inner span may have inherited it from a client',
      withState(HUGE, { parentSpanId: PARENT, flags: LOCAL }),
      DERIVATION_RULES,
      'sampled',
      1,
    ],
    [
      'the parent has an id of a wrong length',
      withState(HUGE, { parentSpanId: 'aaaa' }),
      DERIVATION_RULES,
      'sampled',
      1,
    ],
    [
      'an all-zero parent id is not a parent',
      withState('ot=th:c', { parentSpanId: '0000000000000000' }),
      DERIVATION_RULES,
      'estimated',
      4,
    ],
    [
      'the operator trusts what clients send',
      withState('ot=th:c', { parentSpanId: PARENT, flags: REMOTE }),
      trusting,
      'estimated',
      4,
    ],
  ])('%s', (_, given, rules, source, decisions) => {
    expect(rowOf(given, rules)).toMatchObject({ source, decisions });
  });
});

test('a newer rule set replaces the row of an older one for a span that is not a decision any more', () => {
  const attributes = { 'http.request.header.sec-fetch-site': ['same-origin'] };
  const newer = { ...DERIVATION_RULES, derivation: 2 };
  expect(decode(serverSpan({ attributes }))).toMatchObject({ spans: [], passedOver: 1 });
  expect(rowOf({ attributes }, newer)).toMatchObject({ decisions: 0, derivation: 2, verdict: 'allowed' });
});
