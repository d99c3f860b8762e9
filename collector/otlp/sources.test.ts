import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { anyValue } from '../../test/support/otlp-bodies.ts';
import { type AnyValue, encodeRequest, type TraceRequest } from '../../test/support/otlp-schema.ts';
import { decodeTraces } from './decode.ts';

const ANY_TIME = { earliest: 0, latest: Number.POSITIVE_INFINITY };

const BLOCKED = 'GET https://other.example actual blocked acao_missing cross-site';
const ALLOWED = 'GET https://shop.example actual allowed cross-site included';
const PREFLIGHT = 'PUT https://shop.example preflight blocked header_not_allowed x-tenant cross-site';

describe('spans recorded from the sources', () => {
  test.each<[string, string, readonly string[]]>([
    ['java-agent', '/orders', [PREFLIGHT, ALLOWED, BLOCKED]],
    ['python-flask', '/orders/<id>', [PREFLIGHT, ALLOWED, BLOCKED]],
    [
      'python-fastapi',
      '/orders/{id}',
      ['PUT https://shop.example preflight blocked preflight_status_not_ok 400 cross-site', ALLOWED, BLOCKED],
    ],
    ['go-otelhttp', '', [PREFLIGHT, ALLOWED, BLOCKED]],
  ])('%s', (name, route, expected) => {
    const spans = decisionsIn(recorded(name));
    expect(spans.map(inWords)).toEqual(expected);
    for (const span of spans)
      expect(span).toMatchObject({ route, apiHost: 'localhost', observer: 'service' });
  });
});

/** A body captured from the source, see docs/recipes. */
function recorded(name: string): TraceRequest {
  const file = join(import.meta.dirname, '../../test/fixtures/derivation', `${name}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as TraceRequest;
}

describe('spans as documented by the sources', () => {
  const string = (value: string): AnyValue => anyValue(value);
  const list = (...values: string[]): AnyValue => anyValue(values);
  const number = (value: number): AnyValue => anyValue(value);

  // src/http_module.cpp, src/batch_exporter.hpp of nginx-otel 0.1: one-element lists, also for what is absent.
  const nginx = {
    'http.method': string('GET'),
    'http.target': string('/orders/42?token=secret'),
    'http.scheme': string('https'),
    'http.route': string('/orders/'),
    'net.host.name': string('_'),
    'net.host.port': number(8443),
    'http.status_code': number(200),
    'http.request.header.host': list('api.example'),
    'http.request.header.origin': list('https://shop.example'),
    'http.request.header.sec-fetch-mode': list('cors'),
    'http.request.header.sec-fetch-site': list('cross-site'),
    'http.request.header.access-control-request-method': list(''),
    'http.request.header.cookie': list('1'),
    'http.response.header.access-control-allow-origin': list(''),
    'http.response.header.vary': list(''),
  };
  // Envoy: every tag is a string, the URL is absolute.
  const envoy = {
    'http.method': string('GET'),
    'http.url': string('https://api.example/orders/42?token=secret'),
    'http.status_code': string('200'),
    'http.request.header.origin': string('https://shop.example'),
    'http.request.header.sec-fetch-mode': string('cors'),
    'http.request.header.sec-fetch-site': string('cross-site'),
    'http.request.header.cookie': string('1'),
    'http.response.header.vary': string(''),
  };
  // pkg/observability/tracing of Traefik 3: server.address is Host, url.scheme is X-Forwarded-Proto.
  const traefik = {
    'http.request.method': string('GET'),
    'url.path': string('/orders/42'),
    'url.query': string('token=REDACTED'),
    'url.scheme': string('https'),
    'server.address': string('api.example:443'),
    'http.response.status_code': number(200),
    'http.request.header.origin': list('https://shop.example'),
    'http.request.header.sec-fetch-mode': list('cors'),
    'http.request.header.sec-fetch-site': list('cross-site'),
    'http.request.header.cookie': list('1'),
  };
  // .NET: one string per header.
  const dotnet = {
    'http.request.method': string('GET'),
    'url.path': string('/orders/42'),
    'url.scheme': string('https'),
    'server.address': string('api.example'),
    'http.route': string('/orders/{id}'),
    'http.response.status_code': number(200),
    'http.request.header.origin': string('https://shop.example'),
    'http.request.header.sec-fetch-mode': string('cors'),
    'http.request.header.sec-fetch-site': string('cross-site'),
    'http.request.header.cookie': string('1'),
  };

  test.each<[string, string, Record<string, AnyValue>, string, string, string]>([
    ['nginx', 'gateway', nginx, 'nginx', '', '/orders/:id'],
    ['Envoy', 'gateway', envoy, '', 'envoy', '/orders/:id'],
    ['Traefik', 'gateway', traefik, 'github.com/traefik/traefik', 'opentelemetry', '/orders/:id'],
    ['ASP.NET Core', 'service', dotnet, 'Microsoft.AspNetCore', 'opentelemetry', '/orders/{id}'],
  ])('%s', (_, observer, attributes, scope, sdk, path) => {
    const [span, ...others] = decisionsIn(documented(attributes, scope, sdk));
    expect(others).toEqual([]);
    expect(inWords(span as DecisionSpan)).toBe(
      'GET https://shop.example actual blocked acao_missing cross-site included',
    );
    expect(span).toMatchObject({ apiHost: 'api.example', path, observer, statusCode: 200 });
  });

  function documented(attributes: Record<string, AnyValue>, scope: string, sdk: string): TraceRequest {
    const resource = {
      'service.name': 'api',
      'telemetry.sdk.name': sdk,
      'originscope.headers_captured': 'true',
    };
    const span = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: '00f067aa0ba902b7',
      kind: 2,
      startTimeUnixNano: '1795377224717298295',
      attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
    };
    return {
      resourceSpans: [
        {
          resource: {
            attributes: Object.entries(resource).map(([key, value]) => ({ key, value: string(value) })),
          },
          scopeSpans: [{ scope: { name: scope }, spans: [span] }],
        },
      ],
    };
  }
});

/** The decisions derived from a body, the same from both encodings. */
function decisionsIn(request: TraceRequest): DecisionSpan[] {
  const decoded = decodeTraces(encodeRequest(request), 'protobuf', ANY_TIME);
  expect(decodeTraces(Buffer.from(JSON.stringify(request)), 'json', ANY_TIME)).toEqual(decoded);
  expect(decoded.rejected).toBe(0);
  return decoded.spans;
}

const inWords = ({ method, origin, kind, verdict, reason, detail, site, credentials }: DecisionSpan) =>
  [method, origin, kind, verdict, reason, detail, site, credentials]
    .filter((word) => word !== '' && word !== 'unknown')
    .join(' ');
