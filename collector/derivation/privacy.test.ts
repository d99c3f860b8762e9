import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyValues } from '../../test/support/otlp-bodies.ts';
import { encodeRequest, type TraceRequest } from '../../test/support/otlp-schema.ts';
import {
  ANSWERS,
  clientAddress,
  formsOf,
  inHeader,
  originsWith,
  PAGE,
  pathsWith,
  secret,
} from '../../test/support/secrets.ts';
import { decodeTraces } from '../otlp/decode.ts';
import { acceptedWindow } from '../otlp/decoding-result.ts';

const NOW = Date.UTC(2026, 10, 22, 20, 0, 0);
const WINDOW = acceptedWindow(NOW);

type Texts = Readonly<Record<string, string>>;

const at = (prefix: string, headers: Texts): Texts =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [prefix + name, value]));

/** Attributes of HTTP instrumentations for exchanges that contain the secret in every possible place. */
function exchangesWith(text: string, address: string): Texts[] {
  const inUrl = encodeURIComponent(text);
  const page = { origin: PAGE, 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site' };
  const asked = {
    ...page,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'content-type, x-tenant-id',
  };
  const always: Texts = {
    'http.request.method': 'GET',
    'http.response.status_code': '200',
    'server.address': 'api.example',
    'client.address': address,
    'network.peer.address': address,
    'net.sock.peer.addr': address,
    'user_agent.original': text,
    'enduser.id': text,
    ...at('http.request.header.', {
      cookie: inHeader(text),
      authorization: `Bearer ${inHeader(text)}`,
      referer: `${PAGE}/?token=${inUrl}`,
      'x-forwarded-for': address,
    }),
  };
  const exchange = (
    target: Texts,
    request: Texts,
    method = 'GET',
    status = 200,
    response: Texts = {},
  ): Texts => ({
    ...always,
    ...target,
    'http.request.method': method,
    'http.response.status_code': String(status),
    ...at('http.request.header.', request),
    ...at('http.response.header.', response),
  });
  const orders = { 'url.path': '/orders', 'url.query': `token=${inUrl}` };
  return [
    ...pathsWith(text).flatMap((path) => [
      exchange({ 'url.path': path }, page),
      exchange({ 'http.target': path }, page),
      exchange({ 'http.url': `https://admin:${inUrl}@api.example${path}` }, asked, 'OPTIONS', 204),
      exchange({ 'url.path': path, 'http.route': '/users/{name}/orders' }, page),
      exchange({ 'url.path': path, 'http.route': '/*' }, page),
    ]),
    ...originsWith(text).map((origin) => exchange(orders, { ...page, origin })),
    ...Object.values(ANSWERS).flatMap((answer) => {
      const [status, headers] = answer(inHeader(text));
      return [
        exchange(orders, page, 'GET', status, headers),
        exchange(orders, asked, 'OPTIONS', status, headers),
      ];
    }),
    exchange(orders, { ...asked, 'access-control-request-method': inHeader(text) }, 'OPTIONS', 204),
    exchange(orders, { ...asked, 'access-control-request-headers': `a, ${inUrl}=%` }, 'OPTIONS', 204),
    exchange({ ...orders, 'http.request.method_original': text }, page, '_OTHER'),
  ];
}

function requestOf(exchanges: readonly Texts[], text: string): TraceRequest {
  const nanos = `${NOW}123456`;
  const spans = exchanges.map((attributes, index) => ({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: (index + 1).toString(16).padStart(16, '0'),
    traceState: `vendor=${encodeURIComponent(text)}`,
    name: `GET /${text}`,
    kind: 2,
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes: keyValues(attributes),
  }));
  const resource = {
    attributes: keyValues({ 'service.name': 'orders', 'originscope.headers_captured': 'true' }),
  };
  return {
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'io.opentelemetry.netty' }, spans }] }],
  };
}

test('a secret in any part of an HTTP span is not in any row derived from it', () => {
  const reasons = new Set<string>();
  const paths = new Set<string>();
  fc.assert(
    fc.property(secret, clientAddress, (text, address) => {
      const exchanges = exchangesWith(text, address);
      const request = requestOf(exchanges, text);
      const { spans } = decodeTraces(encodeRequest(request), 'protobuf', WINDOW);
      expect(spans).toHaveLength(exchanges.length);
      const kept = JSON.stringify(spans).toLowerCase();
      expect([...formsOf(text), address].filter((form) => kept.includes(form))).toEqual([]);
      for (const span of spans) {
        reasons.add(span.reason);
        paths.add(span.path);
      }
    }),
    { numRuns: 100 },
  );
  expect([...reasons]).toEqual(
    expect.arrayContaining(['acao_mismatch', 'acao_multiple', 'acam_malformed', 'preflight_redirect']),
  );
  expect([...paths]).toEqual(
    expect.arrayContaining(['/users/{name}/orders', '/users/:id/orders', '/orders']),
  );
});
