import { describe, expect, test } from 'vitest';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { ALLOWED, type Attributes, decisionRequest, decisionSpan } from '../../test/support/otlp-bodies.ts';
import { encodeRequest, type Span, type TraceRequest } from '../../test/support/otlp-schema.ts';
import { delimitedField } from '../../test/support/wire.ts';
import { decodeTraces, type Encoding } from './decode.ts';
import { acceptedWindow, type Decoded, type TimeWindow } from './decoding-result.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const WINDOW = acceptedWindow(NOW);
const ID = '00f067aa0ba902b7';

const bodyOf = (request: TraceRequest, encoding: Encoding): Buffer =>
  encoding === 'protobuf' ? encodeRequest(request) : Buffer.from(JSON.stringify(request));

/** Decodes the request in both encodings and asserts that they agree, so that each test below covers both. */
function decodeBoth(request: TraceRequest, window: TimeWindow = WINDOW): Decoded {
  const protobuf = decodeTraces(bodyOf(request, 'protobuf'), 'protobuf', window);
  expect(decodeTraces(bodyOf(request, 'json'), 'json', window)).toEqual(protobuf);
  return protobuf;
}

const decodeSpan = (span: Span, resource?: Attributes): Decoded =>
  decodeBoth(decisionRequest([span], resource));

const withAttributes = (attributes: Attributes): Decoded =>
  decodeSpan(decisionSpan(ID, NOW, { ...ALLOWED, ...attributes }));

function rowWith(attributes: Attributes): DecisionSpan {
  const decoded = withAttributes(attributes);
  expect(decoded).toMatchObject({ passedOver: 0, rejected: 0 });
  return decoded.spans[0] as DecisionSpan;
}

const rejectedFor = (decoded: Decoded) =>
  Object.fromEntries(Object.entries(decoded.rejections).filter(([, count]) => count > 0));

test('a decision span becomes a row with all of its attributes', () => {
  const request = decisionRequest(
    [
      decisionSpan(ID, NOW + 123, {
        ...ALLOWED,
        'cors.kind': 'preflight',
        'cors.verdict': 'blocked',
        'cors.reason': 'header_not_allowed',
        'cors.reason.detail': 'x-tenant',
        'cors.request.headers': ['authorization', 'x-tenant'],
        'cors.max_age': 600,
        'url.path': '/orders/…',
      }),
    ],
    {
      'service.name': 'checkout',
      'service.instance.id': 'pod-1',
      'service.version': '1.2.3',
      'deployment.environment.name': 'production',
    },
  );
  expect(decodeBoth(request).spans).toEqual([
    {
      service: 'checkout',
      instance: 'pod-1',
      environment: 'production',
      version: '1.2.3',
      spanId: ID,
      time: NOW + 123,
      derivation: 1,
      observer: 'service',
      source: 'instrumented',
      decisions: 3,
      total: 1200,
      kind: 'preflight',
      verdict: 'blocked',
      reason: 'header_not_allowed',
      detail: 'x-tenant',
      origin: 'https://shop.example.com',
      method: 'POST',
      requestHeaders: 'authorization,x-tenant',
      credentials: 'included',
      allowOrigin: 'exact',
      allowCredentials: true,
      varyOrigin: true,
      maxAge: 600,
      site: 'cross-site',
      browser: true,
      statusCode: 201,
      route: '/orders/:id',
      apiHost: 'api.example.com',
      clients: '0000000000000011',
      path: '/orders/…',
      linkTraceId: 'a0f067aa0ba902b700f067aa0ba902b7',
      linkSpanId: 'b0f067aa0ba902b7',
    } satisfies DecisionSpan,
  ]);
});

test('spans of other scopes, and spans of our scope without decisions, are skipped and counted', () => {
  const foreign = { scope: { name: '@opentelemetry/instrumentation-http' }, spans: [{ name: 'GET' }, {}] };
  const request = decisionRequest([decisionSpan(ID, NOW), { spanId: ID, name: 'something else' }]);
  request.resourceSpans?.[0]?.scopeSpans?.push(foreign, { spans: [{}] });
  expect(decodeBoth(request)).toMatchObject({ spans: [{ spanId: ID }], passedOver: 4, rejected: 0 });
});

test('an empty request is valid', () => {
  expect(decodeBoth({})).toMatchObject({ spans: [], passedOver: 0, rejected: 0 });
});

test('absent facets get their neutral value', () => {
  const minimal = { 'cors.decisions': 1, 'cors.kind': 'actual', 'cors.verdict': 'allowed' };
  const { links: _, ...span } = decisionSpan(ID, NOW, minimal);
  expect(decodeSpan(span, {}).spans[0]).toMatchObject({
    service: 'unknown_service',
    instance: '',
    environment: '',
    total: 0,
    reason: '',
    origin: '',
    credentials: 'unknown',
    allowOrigin: 'absent',
    allowCredentials: false,
    maxAge: -1,
    site: 'unknown',
    browser: false,
    statusCode: 0,
    clients: '0000000000000000',
    requestHeaders: '',
    linkTraceId: '',
    linkSpanId: '',
  });
});

test('the older name of the environment is read, the newer one takes precedence', () => {
  const span = decisionSpan(ID, NOW);
  const before = { 'deployment.environment': 'staging' };
  expect(decodeSpan(span, before).spans[0]?.environment).toBe('staging');
  const both = { ...before, 'deployment.environment.name': 'production' };
  expect(decodeSpan(span, both).spans[0]?.environment).toBe('production');
});

describe('what identifies and counts is never guessed', () => {
  test.each([0, -1, 2 ** 53, '5', true])('cors.decisions = %s is rejected', (decisions) => {
    const decoded = withAttributes({ 'cors.decisions': decisions });
    expect(decoded.spans).toEqual([]);
    expect(rejectedFor(decoded)).toEqual({ decisions: 1 });
  });

  test('the largest exact count is accepted', () => {
    expect(rowWith({ 'cors.decisions': Number.MAX_SAFE_INTEGER }).decisions).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each<[string, Attributes]>([
    ['total', { 'cors.decisions.total': -1 }],
    ['total', { 'cors.decisions.total': 'many' }],
    ['kind', { 'cors.kind': 'no_cors' }],
    ['verdict', { 'cors.verdict': 'maybe' }],
    ['reason', { 'cors.verdict': 'blocked' }],
    ['reason', { 'cors.verdict': 'blocked', 'cors.reason': 'bad_mood' }],
    ['reason', { 'cors.reason': 'acao_missing' }],
    ['facet', { 'cors.credentials': 'sometimes' }],
    ['facet', { 'cors.allow_origin': 'https://example.com' }],
    ['facet', { 'cors.site': 'elsewhere' }],
  ])('rejected for its %s: %o', (reason, attributes) => {
    const decoded = withAttributes(attributes);
    expect(decoded.spans).toEqual([]);
    expect(decoded.rejected).toBe(1);
    expect(rejectedFor(decoded)).toEqual({ [reason]: 1 });
  });

  test.each(['', '0000000000000000', '00f067aa0ba902', '00f067aa0ba902b7aa'])('span id "%s"', (spanId) => {
    expect(rejectedFor(decodeSpan({ ...decisionSpan(ID, NOW), spanId }))).toEqual({ span_id: 1 });
  });
});

describe('times', () => {
  const outcome = (time: number) => {
    const { spans, rejections } = decodeSpan(decisionSpan(ID, time));
    return spans[0]?.time ?? { tooOld: rejections.too_old, inFuture: rejections.in_future };
  };

  test('the window of a receiver is 48 hours back and 5 minutes ahead, inclusive', () => {
    expect(outcome(NOW - 48 * 3_600_000)).toBe(NOW - 48 * 3_600_000);
    expect(outcome(NOW - 48 * 3_600_000 - 1)).toEqual({ tooOld: 1, inFuture: 0 });
    expect(outcome(NOW + 300_000)).toBe(NOW + 300_000);
    expect(outcome(NOW + 300_001)).toEqual({ tooOld: 0, inFuture: 1 });
  });

  test('the last nanosecond of a minute belongs to that minute', () => {
    const lastNano = `${BigInt(NOW) * 1_000_000n - 1n}`;
    const span = { ...decisionSpan(ID, NOW), startTimeUnixNano: lastNano };
    expect(decodeSpan(span).spans[0]?.time).toBe(NOW - 1);
  });

  test('JSON may carry the start of a minute as a number', () => {
    const span = { ...decisionSpan(ID, NOW), startTimeUnixNano: NOW * 1e6 };
    const body = bodyOf(decisionRequest([span]), 'json');
    expect(decodeTraces(body, 'json', WINDOW).spans[0]?.time).toBe(NOW);
  });

  test('a span without a start is too old', () => {
    const { startTimeUnixNano: _, ...span } = decisionSpan(ID, NOW);
    expect(rejectedFor(decodeSpan(span))).toEqual({ too_old: 1 });
  });
});

describe('values are bounded and harmless', () => {
  test('long text is truncated', () => {
    const long = 'x'.repeat(100_000);
    const row = rowWith({
      'cors.verdict': 'blocked',
      'cors.reason': 'acao_missing',
      'cors.reason.detail': long,
      'cors.origin': long,
      'cors.request.method': long,
      'http.route': long,
      'server.address': long,
      'url.path': long,
    });
    const lengths = [row.detail, row.origin, row.method, row.route, row.apiHost, row.path].map(
      (t) => t.length,
    );
    expect(lengths).toEqual([256, 256, 32, 256, 256, 512]);
    const resource = { 'service.name': long, 'service.version': long, 'service.instance.id': long };
    const { service, version, instance } = decodeSpan(decisionSpan(ID, NOW), resource)
      .spans[0] as DecisionSpan;
    expect([service, version, instance].map((text) => text.length)).toEqual([128, 128, 128]);
  });

  test('truncation never splits a character', () => {
    expect(rowWith({ 'cors.origin': `${'x'.repeat(255)}😀` }).origin).toBe('x'.repeat(255));
    expect(rowWith({ 'cors.origin': '😀'.repeat(300) }).origin).toBe('😀'.repeat(128));
    expect(rowWith({ 'cors.origin': '€'.repeat(600) }).origin).toBe('€'.repeat(256));
  });

  test('terminal escapes, line breaks and reordering marks become U+FFFD; quotes and backslashes stay', () => {
    expect(rowWith({ 'cors.origin': 'a\u001b[2J\r\n\u0000\u009b\u202eb\u2028' }).origin).toBe('a�[2J�����b�');
    expect(rowWith({ 'http.route': `/a'b"c\\d\`;--` }).route).toBe(`/a'b"c\\d\`;--`);
  });

  test('a byte order mark is not dropped', () => {
    expect(rowWith({ 'http.route': '\ufeff/a-rather-long-route' }).route).toBe('\ufffd/a-rather-long-route');
  });

  test('invalid UTF-8 and lone surrogates become U+FFFD', () => {
    const body = bodyOf(
      decisionRequest([decisionSpan(ID, NOW, { ...ALLOWED, 'http.route': 'ABCD' })]),
      'protobuf',
    );
    Buffer.from([0xff, 0xc0, 0x80, 0x41]).copy(body, body.indexOf('ABCD'));
    expect(decodeTraces(body, 'protobuf', WINDOW).spans[0]?.route).toBe('���A');
    const json = bodyOf(
      decisionRequest([decisionSpan(ID, NOW, { ...ALLOWED, 'http.route': 'ABCD' })]),
      'json',
    );
    const surrogate = Buffer.from(json.toString().replace('ABCD', '\\ud800A'));
    expect(decodeTraces(surrogate, 'json', WINDOW).spans[0]?.route).toBe('�A');
  });

  test('requested headers are normalised to one value', () => {
    const row = rowWith({ 'cors.request.headers': ['X-B', 'authorization', 'x-b', '', 'x,y'] });
    expect(row.requestHeaders).toBe('authorization,x-b,x�y');
    const names = Array.from({ length: 1000 }, (_, index) => `x-${index}-${'n'.repeat(100)}`);
    const kept = rowWith({ 'cors.request.headers': names }).requestHeaders.split(',');
    expect(kept).toHaveLength(32);
    expect(kept.every((name) => name.length === 64)).toBe(true);
  });

  test('numbers are clamped or dropped', () => {
    expect(rowWith({ 'cors.max_age': -5 }).maxAge).toBe(0);
    expect(rowWith({ 'cors.max_age': 2 ** 40 }).maxAge).toBe(2 ** 31 - 1);
    expect(rowWith({ 'http.response.status_code': 99_999 }).statusCode).toBe(0);
    expect(rowWith({ 'cors.clients': 'FFFFFFFFFFFFFFFF' }).clients).toBe('ffffffffffffffff');
    expect(rowWith({ 'cors.clients': 'not hexadecimal!' }).clients).toBe('0000000000000000');
  });

  test('a path is kept of blocked requests only', () => {
    expect(rowWith({ 'url.path': '/secret' }).path).toBe('');
  });

  test('a link with an invalid id is ignored', () => {
    const span = { ...decisionSpan(ID, NOW), links: [{ traceId: 'ab'.repeat(16), spanId: '00'.repeat(8) }] };
    expect(decodeSpan(span).spans[0]).toMatchObject({ linkTraceId: '', linkSpanId: '' });
  });
});

test('a repeated attribute replaces the earlier one', () => {
  const span = decisionSpan(ID, NOW);
  span.attributes?.push({ key: 'http.route', value: { stringValue: '/again' } });
  expect(decodeSpan(span).spans[0]?.route).toBe('/again');
});

test('the same attribute bytes are decoded to the same value after 10,000 others', () => {
  const row = rowWith({});
  for (let round = 0; round < 10; round++) {
    const spans = Array.from({ length: 1000 }, (_, index) =>
      decisionSpan(ID, NOW, { ...ALLOWED, 'cors.origin': `https://${round}-${index}.example` }),
    );
    const decoded = decodeTraces(bodyOf(decisionRequest(spans), 'protobuf'), 'protobuf', WINDOW);
    expect(decoded.spans[999]?.origin).toBe(`https://${round}-999.example`);
  }
  expect(rowWith({})).toEqual(row);
});

test.each<[string, string]>([
  ['no JSON', '{"resourceSpans":'],
  ['a list', '[]'],
  ['a number', '1'],
  ['null in a list', '{"resourceSpans":[null]}'],
  ['text for a list', '{"resourceSpans":"x"}'],
  ['text for attributes', '{"resourceSpans":[{"resource":{"attributes":"x"}}]}'],
])('JSON that is not a request is rejected: %s', (_, body) => {
  const decode = () => decodeTraces(Buffer.from(body), 'json', WINDOW);
  expect(decode).toThrow(expect.objectContaining({ code: 'OTLP_MALFORMED', retryable: false }));
});

test('an unreadable body is rejected as a whole', () => {
  const body = bodyOf(decisionRequest([decisionSpan(ID, NOW)]), 'protobuf');
  const decode = () => decodeTraces(Buffer.concat([body, delimitedField(1, 'xxx')]), 'protobuf', WINDOW);
  expect(decode).toThrow(expect.objectContaining({ code: 'OTLP_MALFORMED' }));
});

test('the message about a malformed body does not carry the sender’s bytes to a terminal', () => {
  const decode = () => decodeTraces(Buffer.from('{"a":\u001b[2J'), 'json', WINDOW);
  expect(decode).toThrow(expect.objectContaining({ message: expect.not.stringContaining('\u001b') }));
});
