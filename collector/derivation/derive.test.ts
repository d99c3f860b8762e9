import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Captured, type DerivedDecision, derive } from './derive.ts';
import { HTTP_KEYS } from './http-attributes.ts';

type Attributes = Readonly<Record<string, string>>;

const DECLARED: Captured = { request: true, response: true };
const UNDECLARED: Captured = { request: false, response: false };

const deriveFrom = (attributes: Attributes, captured = DECLARED) =>
  derive(new Map(Object.entries(attributes)), captured);

function decided(attributes: Attributes, captured = DECLARED): DerivedDecision {
  const derived = deriveFrom(attributes, captured);
  if (typeof derived === 'string') throw new Error(derived);
  return derived;
}

const verdictOf = (attributes: Attributes, captured = DECLARED) => {
  const { kind, verdict, reason, detail } = decided(attributes, captured).decision;
  return [kind, verdict, reason, detail].filter((word) => word !== '').join(' ');
};

const request = (headers: Attributes) => headersAt('http.request.header.', headers);
const response = (headers: Attributes) => headersAt('http.response.header.', headers);
const headersAt = (prefix: string, headers: Attributes): Attributes =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [prefix + name, value]));

const CROSS_SITE = request({
  origin: 'https://shop.example',
  'sec-fetch-mode': 'cors',
  'sec-fetch-site': 'cross-site',
});
const GET: Attributes = {
  'http.request.method': 'GET',
  'http.response.status_code': '200',
  'url.path': '/orders/42',
  'url.scheme': 'https',
  'server.address': 'api.example',
  ...CROSS_SITE,
};
const ALLOWED = response({ 'access-control-allow-origin': 'https://shop.example', vary: 'Origin' });
const PREFLIGHT: Attributes = {
  ...GET,
  'http.request.method': 'OPTIONS',
  'http.response.status_code': '204',
  ...request({ 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-tenant' }),
  ...ALLOWED,
  ...response({ 'access-control-allow-methods': 'GET, PUT' }),
};

test('a span yields everything that our own instrumentation would report', () => {
  const attributes = { ...GET, 'http.route': '/orders/{id}', ...request({ cookie: '[REDACTED]' }) };
  expect(decided(attributes)).toMatchObject({
    decision: {
      kind: 'actual',
      verdict: 'blocked',
      reason: 'acao_missing',
      origin: 'https://shop.example',
      requestMethod: 'GET',
      credentials: 'included',
      allowOrigin: 'absent',
      site: 'cross-site',
      browser: true,
    },
    statusCode: 200,
    route: '/orders/{id}',
    apiHost: 'api.example',
    path: '/orders/{id}',
  });
});

describe('the same exchange gives the same decision in every notation', () => {
  const underscored = Object.fromEntries(
    Object.entries(PREFLIGHT).map(([key, value]) => [
      key.replace(/(?<=header\.).*/, (name) => name.replaceAll('-', '_')),
      value,
    ]),
  );
  const oldConventions = (extra: Attributes): Attributes => {
    const {
      'http.request.method': method = '',
      'http.response.status_code': status = '',
      ...rest
    } = PREFLIGHT;
    const { 'url.path': _path, 'url.scheme': _scheme, 'server.address': _address, ...headers } = rest;
    return { 'http.method': method, 'http.status_code': status, ...headers, ...extra };
  };
  test.each<[string, Attributes]>([
    ['underscores', underscored],
    [
      'old conventions',
      oldConventions({ 'http.target': '/orders/42?a=b', 'http.scheme': 'https', 'http.host': 'api.example' }),
    ],
    ['an absolute URL', oldConventions({ 'http.url': 'https://api.example/orders/42?token=secret' })],
    [
      'name and port of the host',
      oldConventions({
        'http.target': '/orders/42',
        'http.scheme': 'https',
        'net.host.name': 'api.example',
        'net.host.port': '443',
      }),
    ],
    [
      'empty strings for absent values',
      { ...PREFLIGHT, ...response({ 'access-control-allow-headers': '' }) },
    ],
    [
      'both spellings, one of them empty',
      { ...PREFLIGHT, 'http.request.header.access_control_request_method': '' },
    ],
    ['the new names before the old ones', { ...PREFLIGHT, 'http.method': 'GET', 'http.status_code': '500' }],
  ])('%s', (_, attributes) => {
    expect(decided(attributes)).toEqual(decided(PREFLIGHT));
    expect(verdictOf(attributes)).toBe('preflight blocked header_not_allowed x-tenant');
  });
});

describe('headers that were not captured are not treated as absent', () => {
  test.each<[string, Attributes, Captured, string]>([
    ['nothing captured', GET, UNDECLARED, 'actual unknown headers_not_captured acao_missing'],
    ['nothing present, declared', GET, DECLARED, 'actual blocked acao_missing'],
    [
      'Allow-Origin captured, Allow-Credentials perhaps not',
      { ...GET, ...ALLOWED },
      UNDECLARED,
      'actual unknown headers_not_captured acac_not_true',
    ],
    [
      'everything relevant captured',
      { ...GET, ...ALLOWED, ...response({ 'access-control-allow-credentials': 'true' }) },
      UNDECLARED,
      'actual allowed',
    ],
    [
      'a wrong Allow-Origin captured',
      { ...GET, ...response({ 'access-control-allow-origin': 'https://www.shop.example' }) },
      UNDECLARED,
      'actual blocked acao_mismatch https://www.shop.example',
    ],
    [
      'another CORS header is present, which implies that Allow-Origin was captured',
      { ...GET, ...response({ 'access-control-allow-credentials': 'true' }) },
      UNDECLARED,
      'actual blocked acao_missing',
    ],
    [
      'Allow-Origin is present, Allow-Headers may not have been captured',
      PREFLIGHT,
      UNDECLARED,
      'preflight unknown headers_not_captured header_not_allowed',
    ],
    [
      'a preflight without requested headers may have requested some',
      {
        ...PREFLIGHT,
        ...request({ 'access-control-request-headers': '' }),
        ...response({ 'access-control-allow-credentials': 'true' }),
      },
      UNDECLARED,
      'preflight unknown headers_not_captured',
    ],
    [
      'headers of a source that does not see them all',
      { ...GET, ...response({ 'access-control-allow-credentials': 'true' }) },
      { request: true, response: false, responseUnreliable: true },
      'actual unknown headers_not_captured acao_missing',
    ],
  ])('%s', (_, attributes, captured, expected) => {
    expect(verdictOf(attributes, captured)).toBe(expected);
  });
});

describe('not a decision', () => {
  test.each<[string, Attributes, string]>([
    [
      'a request without Origin',
      { ...GET, 'http.request.header.origin': '', 'http.request.header.sec-fetch-mode': '' },
      'no_candidate',
    ],
    ['one that our instrumentation decided', { ...GET, 'cors.observed': 'true' }, 'no_candidate'],
    [
      'a same-origin GET, which has no Origin',
      { ...GET, ...request({ origin: '', 'sec-fetch-site': 'same-origin' }) },
      'no_candidate',
    ],
    [
      'a same-origin POST',
      { ...GET, 'http.request.method': 'POST', 'http.request.header.sec-fetch-site': 'same-origin' },
      'no_decision',
    ],
    [
      'a form that was sent',
      { ...GET, 'http.request.method': 'POST', 'http.request.header.sec-fetch-mode': 'navigate' },
      'no_decision',
    ],
    ['a WebSocket', { ...GET, 'http.request.header.upgrade': 'websocket' }, 'no_decision'],
    ['a request without a response', { ...GET, 'http.response.status_code': '' }, 'no_decision'],
    ['an invalid status', { ...GET, 'http.response.status_code': '0' }, 'no_decision'],
    ['a span without a method', { ...GET, 'http.request.method': '' }, 'no_decision'],
  ])('%s', (_, attributes, expected) => {
    expect(deriveFrom(attributes)).toBe(expected);
  });
});

describe('without fetch metadata the server’s own origin decides', () => {
  const post: Attributes = {
    'http.request.method': 'POST',
    'http.response.status_code': '200',
    'http.request.header.content-type': 'application/json',
    'http.request.header.origin': 'https://api.example',
  };
  test.each<[string, Attributes, string]>([
    ['Host', { 'http.request.header.host': 'api.example' }, 'no_decision'],
    [
      'Host before a listening port',
      { 'http.request.header.host': 'api.example', 'server.address': '10.0.0.7', 'server.port': '8080' },
      'no_decision',
    ],
    ['another host', { 'http.host': 'other.example' }, 'actual blocked acao_missing'],
    [
      'a name that holds its port',
      { 'server.address': 'other.example:8080', 'server.port': '8080' },
      'actual blocked acao_missing',
    ],
    [
      'the own name, which holds its port',
      { 'server.address': 'api.example:443', 'server.port': '443', 'url.scheme': 'https' },
      'no_decision',
    ],
    [
      'only the port differs',
      { 'server.address': 'api.example', 'server.port': '8080' },
      'ambiguous unknown kind_ambiguous acao_missing',
    ],
    [
      'a page without TLS calls an API with it',
      { 'http.url': 'https://api.example/orders', 'http.request.header.origin': 'http://api.example' },
      'actual blocked acao_missing',
    ],
    ['no name at all', {}, 'ambiguous unknown kind_ambiguous acao_missing'],
  ])('%s', (_, attributes, expected) => {
    const all = { ...post, ...attributes };
    expect(expected === 'no_decision' ? deriveFrom(all) : verdictOf(all)).toBe(expected);
  });
});

test('a method unknown to the conventions is kept as sent', () => {
  const attributes = { ...GET, 'http.request.method': '_OTHER', 'http.request.method_original': 'PURGE' };
  expect(decided(attributes).decision.requestMethod).toBe('PURGE');
});

test('a duplicate header blocks as in a browser', () => {
  const twice = response({ 'access-control-allow-origin': 'https://shop.example, https://shop.example' });
  expect(verdictOf({ ...GET, ...twice })).toBe(
    'actual blocked acao_multiple https://shop.example, https://shop.example',
  );
});

test('no query is kept', () => {
  const urls = ['http.target', 'http.url', 'url.path'].map((key) => {
    const { 'url.path': _, ...rest } = GET;
    return { ...rest, [key]: `${key === 'http.url' ? 'https://api.example' : ''}/orders?token=secret` };
  });
  for (const attributes of urls) expect(decided(attributes).path).toBe('/orders');
});

test('never throws for any attributes, and keeps printable text only', () => {
  const words = [
    'GET',
    'OPTIONS',
    '200',
    '304',
    'cors',
    'https://a.example',
    '*',
    '',
    'http://[',
    'true',
    ':::',
    '%',
  ];
  const value = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 300 }));
  const attributes = fc.dictionary(fc.constantFrom(...HTTP_KEYS), value, {
    maxKeys: 25,
    noNullPrototype: true,
  });
  const essential = {
    'http.request.method': 'GET',
    'http.response.status_code': '200',
    'http.request.header.origin': 'x',
  };
  const derivable = fc
    .tuple(attributes, fc.boolean())
    .map(([some, whole]) => (whole ? { ...some, ...essential } : some));
  fc.assert(
    fc.property(derivable, fc.boolean(), (some, declared) => {
      const derived = deriveFrom(some, { request: declared, response: declared });
      if (typeof derived === 'string') return;
      const { route, apiHost, path } = derived;
      expect(`${route}${apiHost}${path}${derived.decision.origin}`).toMatch(/^[ -~]*$/);
    }),
    { numRuns: 2_000 },
  );
});
