import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, decideObserved } from './decide.ts';
import {
  ALLOW_ORIGINS,
  CREDENTIALS,
  type Exchange,
  type HeaderList,
  KINDS,
  REASONS,
  SITES,
  VERDICTS,
} from './decision.ts';
import { readHeaderBlock, readRawHeaders } from './header-list.ts';
import { normaliseOrigin } from './origin.ts';

const ORIGINS = ['https://a.example', 'null', '*', 'https://b.example', 'a.example', 'true', ''];

/** Header values: whatever bytes, or what the rules are looking for, with odd whitespace around it. */
const value = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
  fc.string({ unit: 'binary' }),
  fc
    .tuple(fc.constantFrom('', ' ', '\t '), fc.constantFrom(...ORIGINS, 'PUT, *', 'x-a,authorization', '5'))
    .map(([space, text]) => space + text + space),
);
const requestName = fc.constantFrom(
  'Origin',
  'Access-Control-Request-Method',
  'Access-Control-Request-Headers',
  'Sec-Fetch-Site',
  'Sec-Fetch-Mode',
  'Cookie',
  'Content-Type',
  'Upgrade',
  'If-None-Match',
);
const responseName = fc.constantFrom(
  'Access-Control-Allow-Origin',
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Headers',
  'Access-Control-Max-Age',
  'Vary',
  'Location',
  'Cache-Control',
);
const headers = (name: fc.Arbitrary<string>): fc.Arbitrary<[string, string][]> =>
  fc.array(fc.tuple(fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.string() }), value), {
    maxLength: 12,
  });
const exchange = fc.record({
  request: fc.record({
    method: fc.oneof(fc.constantFrom('OPTIONS', 'GET', 'POST', 'PUT'), fc.string()),
    url: fc.oneof(fc.constantFrom('/', 'https://a.example/x'), fc.string({ unit: 'binary' })),
    headers: headers(requestName),
  }),
  response: fc.record({
    status: fc.constantFrom(200, 204, 302, 304, 401, 500),
    headers: headers(responseName),
  }),
});
const context = fc.record(
  {
    ownOrigin: fc.record({
      scheme: fc.constantFrom('http' as const, 'https' as const, undefined),
      host: fc.oneof(fc.constant('a.example'), fc.string()),
    }),
    credentials: fc.constantFrom('included' as const, 'omitted' as const),
    profile: fc.constantFrom('browser' as const, 'spec' as const),
    requestHeadersCaptured: fc.boolean(),
    responseHeadersCaptured: fc.boolean(),
  },
  { requiredKeys: [] },
);

describe('whatever the bytes', () => {
  test('a decision uses the defined vocabulary, is sanitised and bounded, and is deterministic', () => {
    fc.assert(
      fc.property(exchange, context, (seen, known) => {
        const decision = decide(seen, known);
        expect(KINDS).toContain(decision.kind);
        expect(VERDICTS).toContain(decision.verdict);
        expect(SITES).toContain(decision.site);
        expect(CREDENTIALS).toContain(decision.credentials);
        expect(ALLOW_ORIGINS).toContain(decision.allowOrigin);
        if (decision.verdict === 'allowed') expect([decision.reason, decision.detail]).toEqual(['', '']);
        else expect(REASONS).toContain(decision.reason);
        for (const text of [
          decision.detail,
          decision.origin,
          decision.requestMethod,
          ...decision.requestHeaders,
        ]) {
          expect(text).toMatch(/^[ -~]{0,256}$/);
        }
        expect(decision.requestHeaders.length).toBeLessThanOrEqual(32);
        expect(decide(seen, known)).toEqual(decision);
      }),
      { numRuns: 2000 },
    );
  });

  test('an unknown credentials mode is decided only as both modes would be', () => {
    fc.assert(
      fc.property(exchange, (seen) => {
        const decision = decide(seen);
        if (decision.credentials !== 'unknown' || decision.verdict === 'unknown') return;
        expect(decide(seen, { credentials: 'included' }).verdict).toBe(decision.verdict);
        expect(decide(seen, { credentials: 'omitted' }).verdict).toBe(decision.verdict);
      }),
      { numRuns: 1000 },
    );
  });

  test('what is allowed with credentials is allowed without', () => {
    fc.assert(
      fc.property(exchange, context, (seen, known) => {
        if (decide(seen, { ...known, credentials: 'included' }).verdict !== 'allowed') return;
        expect(decide(seen, { ...known, credentials: 'omitted' }).verdict).toBe('allowed');
      }),
      { numRuns: 1000 },
    );
  });

  test('a normalised origin is clean, bounded and stays as it is', () => {
    fc.assert(
      fc.property(fc.oneof(value, fc.webUrl(), fc.string({ minLength: 200, maxLength: 400 })), (origin) => {
        const once = normaliseOrigin(origin);
        expect(once).toMatch(/^[ -~]{1,256}$/);
        expect(normaliseOrigin(once)).toBe(once);
      }),
    );
  });
});

describe('spelling the same headers differently', () => {
  /** Values that survive a header block: no line ends inside. */
  const spellable = fc.record({
    request: fc.record({
      method: fc.constantFrom('OPTIONS', 'GET', 'POST'),
      url: fc.constant('/'),
      headers: headers(requestName).map(singleLines),
    }),
    response: fc.record({
      status: fc.constantFrom(200, 302, 304),
      headers: headers(responseName).map(singleLines),
    }),
  });

  test('in other cases, with outer whitespace, and in another order of names changes nothing', () => {
    fc.assert(
      fc.property(spellable, (seen) => {
        expect(decide({ request: respell(seen.request), response: respell(seen.response) })).toEqual(
          decide(seen),
        );
      }),
    );
  });

  test("as a list, as Node's rawHeaders or as a header block changes nothing", () => {
    fc.assert(
      fc.property(spellable, ({ request, response }) => {
        const lines = response.headers.map(([name, text]) => `${name}: ${text}\r\n`);
        const observed = {
          method: request.method,
          url: request.url,
          requestHeaders: readRawHeaders(request.headers.flat()),
          status: response.status,
          responseHeaders: readHeaderBlock(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`),
        };
        expect(decideObserved(observed, {})).toEqual(decide({ request, response }));
      }),
    );
  });
});

function singleLines(list: HeaderList): [string, string][] {
  return list.map(([name, text]) => [name.replace(/[^A-Za-z-]/g, ''), text.replace(/[\r\n]/g, ' ')]);
}

/** The same header list: names in other case, values padded, names grouped (the order within a name stays). */
function respell<Half extends Exchange['request'] | Exchange['response']>(half: Half): Half {
  const respelled = half.headers.map(([name, text]) => [name.toUpperCase(), `  ${text}\t`] as const);
  return { ...half, headers: respelled.sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0)) };
}
