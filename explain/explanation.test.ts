import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';
import { BROWSERS } from './browsers.ts';
import { explainIn, explainRequest } from './explanation.ts';
import { readLine } from './recordings/read-line.ts';
import type { RecordedExchange, RecordedRequest } from './recordings/recorded-request.ts';

const PAGE = 'https://app.example';
const API = 'https://api.example/orders';
const ALLOW_PAGE = ['Access-Control-Allow-Origin', PAGE] as const;
const ALLOW_ANY = ['Access-Control-Allow-Origin', '*'] as const;
const ALLOW_PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
const CROSS_SITE: HeaderList = [
  ['Origin', PAGE],
  ['Sec-Fetch-Mode', 'cors'],
  ['Sec-Fetch-Site', 'cross-site'],
];

function exchange(
  method: string,
  url: string,
  asked: HeaderList | undefined,
  status: number | undefined,
  ...answered: HeaderList
): RecordedExchange {
  return {
    request: { method, url, headers: asked },
    response: { status, headers: status === undefined ? undefined : answered },
  };
}

const preflight = (status: number, ...headers: HeaderList) =>
  exchange('OPTIONS', API, [...CROSS_SITE, ['Access-Control-Request-Method', 'PUT']], status, ...headers);
const put = (status: number | undefined, ...headers: HeaderList) =>
  exchange('PUT', API, CROSS_SITE, status, ...headers);
const explain = (...exchanges: RecordedExchange[]) => explainRequest({ exchanges });
const told = (credentials: RecordedRequest['credentials'], ...exchanges: RecordedExchange[]) =>
  explainRequest({ credentials, exchanges });

describe('the deciding exchange', () => {
  test('is the preflight when it is blocked', () => {
    expect(explain(preflight(204, ALLOW_PAGE), put(undefined))).toMatchObject({
      verdict: 'blocked',
      reason: 'method_not_allowed',
      detail: 'PUT',
      decidedBy: 0,
    });
  });

  test('is the request itself when only that is blocked', () => {
    expect(told('omit', preflight(204, ALLOW_PAGE, ALLOW_PUT), put(500))).toMatchObject({
      verdict: 'blocked',
      reason: 'acao_missing',
      decidedBy: 1,
      notes: ['preflight_uncached', 'server_error_without_cors'],
    });
  });

  test('is none when all are allowed', () => {
    expect(told('default', preflight(204, ALLOW_ANY, ALLOW_PUT), put(200, ALLOW_ANY))).toMatchObject({
      verdict: 'allowed',
      reason: '',
      decidedBy: null,
      decisions: [{ kind: 'preflight' }, { kind: 'actual' }],
    });
  });

  test('is the last of several attempts of the same request', () => {
    const { verdict } = told(
      'omit',
      preflight(408),
      preflight(204, ALLOW_PAGE, ALLOW_PUT),
      put(200, ALLOW_PAGE),
    );
    expect(verdict).toBe('allowed');
  });

  test('is never derived from missing parts', () => {
    expect(told('omit', preflight(204, ALLOW_PAGE, ALLOW_PUT), put(undefined))).toMatchObject({
      verdict: 'unknown',
      reason: 'headers_not_captured',
      decidedBy: 1,
    });
    expect(explain(exchange('GET', API, undefined, 200)).reason).toBe('headers_not_captured');
    expect(explain().verdict).toBe('unknown');
  });
});

test('a request without any CORS step is allowed', () => {
  expect(explain(exchange('GET', API, [], 200)).verdict).toBe('allowed');
  expect(explain(exchange('GET', 'wss://api.example/', [['Origin', PAGE]], 101)).verdict).toBe('allowed');
  const form: HeaderList = [
    ['Origin', PAGE],
    ['Sec-Fetch-Mode', 'navigate'],
    ['Sec-Fetch-Site', 'cross-site'],
  ];
  expect(explain(exchange('POST', API, form, 200)).verdict).toBe('allowed');
});

describe('the credentials mode', () => {
  test('is the one that the page requested', () => {
    const request = exchange('GET', API, CROSS_SITE, 200, ALLOW_ANY);
    expect(explain(request).reason).toBe('credentials_mode_unknown');
    expect(told('include', request).reason).toBe('acao_wildcard_with_credentials');
    for (const mode of ['omit', 'default', 'same-origin'] as const)
      expect(told(mode, request).verdict).toBe('allowed');
  });

  test('of one exchange applies to all', () => {
    const withCookie = exchange('PUT', API, [...CROSS_SITE, ['Cookie', 'a=1']], undefined);
    expect(explain(preflight(204, ALLOW_ANY, ALLOW_PUT), withCookie)).toMatchObject({
      verdict: 'blocked',
      reason: 'acao_wildcard_with_credentials',
      decidedBy: 0,
    });
  });

  test('is the only one with which the browser would have continued', () => {
    const wildcards = [ALLOW_ANY, ['Access-Control-Allow-Methods', '*']] as const;
    expect(explain(preflight(204, ...wildcards)).reason).toBe('credentials_mode_unknown');
    expect(explain(preflight(204, ...wildcards), put(200, ALLOW_PAGE)).verdict).toBe('allowed');
    const third = 'https://third.example/';
    const redirect = exchange('GET', API, CROSS_SITE, 302, ALLOW_ANY, ['Location', third]);
    expect(explain(redirect).reason).toBe('credentials_mode_unknown');
    expect(explain(redirect, exchange('GET', third, CROSS_SITE, 200, ALLOW_ANY)).verdict).toBe('allowed');
  });
});

describe('a redirect', () => {
  const THIRD = 'https://third.example/';
  const toApi = exchange('GET', `${PAGE}/old`, [], 302, ['Location', API]);

  test('from the own origin makes it a CORS request', () => {
    const request = { origin: PAGE, credentials: 'omit' as const };
    const last = (...headers: HeaderList) => exchange('GET', API, CROSS_SITE, 200, ...headers);
    expect(explainRequest({ ...request, exchanges: [toApi, last(ALLOW_PAGE)] }).verdict).toBe('allowed');
    expect(explainRequest({ ...request, exchanges: [toApi, last()] })).toMatchObject({
      reason: 'acao_missing',
      decidedBy: 1,
    });
  });

  test('between foreign origins makes Origin null, also where it was not recorded', () => {
    const crossSite: HeaderList = [
      ['Sec-Fetch-Mode', 'cors'],
      ['Sec-Fetch-Site', 'cross-site'],
    ];
    const hops = [
      exchange('GET', API, crossSite, 302, ALLOW_PAGE, ['Location', THIRD]),
      exchange('GET', THIRD, crossSite, 200, ALLOW_PAGE),
    ];
    const { reason, decidedBy, decisions } = explainRequest({
      origin: PAGE,
      credentials: 'omit',
      exchanges: hops,
    });
    expect({ reason, decidedBy }).toEqual({ reason: 'acao_mismatch', decidedBy: 1 });
    expect(decisions.map(({ origin }) => origin)).toEqual([PAGE, 'null']);
  });

  test('to a URL with a password is blocked, also for a script without metadata', () => {
    const hop = exchange('GET', `${PAGE}/old`, [], 302, ['Location', 'https://u:p@api.example/']);
    expect(explainRequest({ origin: PAGE, exchanges: [hop] }).reason).toBe('kind_ambiguous');
    expect(explainRequest({ origin: PAGE, credentials: 'default', exchanges: [hop] }).reason).toBe(
      'redirect_url_has_credentials',
    );
  });
});

test('a same-origin redirect to a URL with a password stops Chrome, but not Firefox and Safari', () => {
  const metadata: HeaderList = [
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-Fetch-Site', 'same-origin'],
  ];
  const hop = exchange('GET', `${PAGE}/a`, metadata, 302, ['Location', 'https://u@app.example/b']);
  expect(explain(hop).reason).toBe('redirect_url_has_credentials');
  const followed = explain(hop, exchange('GET', 'https://u@app.example/b', metadata, 200));
  expect(followed).toMatchObject({
    browser: 'chrome',
    verdict: 'blocked',
    differences: [
      { browser: 'firefox', verdict: 'allowed' },
      { browser: 'safari', verdict: 'allowed' },
    ],
    behaviours: ['redirect_with_user_info'],
  });
});

test('a preflight shows that the page requested a 304 itself, and then no stored response is merged', () => {
  const ask = (name: string) =>
    exchange(
      'OPTIONS',
      API,
      [...CROSS_SITE, ['Access-Control-Request-Method', 'GET'], ['Access-Control-Request-Headers', name]],
      204,
      ALLOW_ANY,
      ['Access-Control-Allow-Headers', '*'],
    );
  const revalidated = exchange('GET', API, [...CROSS_SITE, ['If-None-Match', '"1"']], 304);
  expect(told('omit', revalidated).reason).toBe('not_modified');
  expect(told('omit', ask('x-a'), revalidated).reason).toBe('not_modified');
  expect(told('omit', ask('if-none-match,x-a'), revalidated)).toMatchObject({
    reason: 'acao_missing',
    decidedBy: 1,
  });
});

test('a preflight shows that the POST after it is not a form', () => {
  const origin: HeaderList = [['Origin', 'http://app.example']];
  const url = 'http://api.example/';
  const asking = exchange(
    'OPTIONS',
    url,
    [...origin, ['Access-Control-Request-Method', 'POST'], ['Access-Control-Request-Headers', 'x-a']],
    204,
    ALLOW_ANY,
    ['Access-Control-Allow-Headers', 'x-a'],
  );
  expect(told('omit', exchange('POST', url, origin, 200)).reason).toBe('kind_ambiguous');
  expect(told('omit', asking, exchange('POST', url, origin, 200)).reason).toBe('acao_missing');
});

describe('what another browser would send is considered:', () => {
  const asked = ['Access-Control-Request-Method', 'PUT'] as const;
  const putThen = (status: number, target: string) => [
    exchange('OPTIONS', API, [...CROSS_SITE, asked], 204, ALLOW_ANY, ALLOW_PUT),
    exchange('PUT', API, CROSS_SITE, status, ALLOW_ANY, ['Location', target]),
  ];
  const outcomes = (...exchanges: RecordedExchange[]) =>
    BROWSERS.map((browser) => explainIn(browser, { origin: PAGE, credentials: 'omit', exchanges }).verdict);

  test('a preflight after a redirect that Chrome does not send', () => {
    const done = 'https://api.example/done';
    const got = exchange('GET', done, CROSS_SITE, 200, ALLOW_ANY);
    expect(outcomes(...putThen(303, done), got)).toEqual(['allowed', 'unknown', 'unknown']);
    const refused = exchange('OPTIONS', done, [...CROSS_SITE, ['Access-Control-Request-Method', 'GET']], 404);
    expect(outcomes(...putThen(303, done), refused)).toEqual(['allowed', 'blocked', 'blocked']);
  });

  test('the Origin of a preflight after a redirect between foreign origins', () => {
    const third = 'https://third.example/x';
    const fromNull: HeaderList = [['Origin', 'null'], ...CROSS_SITE.slice(1)];
    const allowsNull = exchange(
      'OPTIONS',
      third,
      [...fromNull, asked],
      204,
      ['Access-Control-Allow-Origin', 'null'],
      ALLOW_PUT,
    );
    const allowsAny = exchange('OPTIONS', third, [...fromNull, asked], 204, ALLOW_ANY, ALLOW_PUT);
    const last = exchange('PUT', third, fromNull, 200, ALLOW_ANY);
    expect(outcomes(...putThen(307, third), allowsNull, last)).toEqual(['allowed', 'unknown', 'allowed']);
    expect(outcomes(...putThen(307, third), allowsAny, last)).toEqual(['allowed', 'allowed', 'allowed']);
  });

  test('an empty Location, which only Chrome delivers', () => {
    const hop = exchange('GET', API, CROSS_SITE, 302, ALLOW_ANY, ['Location', '']);
    expect(outcomes(hop)).toEqual(['allowed', 'blocked', 'blocked']);
    expect(explainRequest({ credentials: 'omit', exchanges: [hop] })).toMatchObject({
      browser: 'firefox',
      reason: 'empty_location',
      differences: [{ browser: 'chrome', verdict: 'allowed' }],
    });
  });

  test('nothing where the recording is of that browser', () => {
    const done = 'https://api.example/done';
    const exchanges = [...putThen(303, done), exchange('GET', done, CROSS_SITE, 200, ALLOW_ANY)];
    expect(explainIn('safari', { browser: 'safari', credentials: 'omit', exchanges }).verdict).toBe(
      'allowed',
    );
  });
});

describe('a line', () => {
  const line = (value: unknown) => explainRequest(readLine(JSON.stringify(value)));
  const request = {
    method: 'GET',
    url: API,
    headers: [
      ['oRiGiN', PAGE],
      ['sec-fetch-mode', 'cors'],
      ['SEC-FETCH-SITE', 'cross-site'],
    ],
  };

  test('may spell header names in any case, and have additional fields', () => {
    const response = { status: 200, headers: [['ACCESS-CONTROL-ALLOW-ORIGIN', `\t${PAGE} `]], body: 'x' };
    const { id, verdict } = line({
      id: 7,
      seen: true,
      credentials: 'omit',
      exchanges: [{ request, response, ms: 3 }],
    });
    expect({ id, verdict }).toEqual({ id: 7, verdict: 'allowed' });
  });

  test('distinguishes unrecorded from absent values', () => {
    expect(line({ exchanges: [{ request, response: { status: 200, headers: [] } }] }).reason).toBe(
      'acao_missing',
    );
    for (const response of [
      undefined,
      null,
      {},
      { status: 0 },
      { status: 0, headers: [] },
      { status: 200 },
    ]) {
      expect(line({ exchanges: [{ request, response }] }).reason).toBe('headers_not_captured');
    }
  });

  test('may have repeated headers as lines of one value, as in DevTools', () => {
    const response = { status: 200, headers: [['Access-Control-Allow-Origin', `${PAGE}\n${PAGE}`]] };
    expect(line({ exchanges: [{ request, response }] }).reason).toBe('acao_multiple');
  });

  test('may show what a 304 is merged with', () => {
    const stored = { status: 200, headers: [['ETag', '"1"'], ALLOW_ANY] };
    const again = { ...request, headers: [...request.headers, ['If-None-Match', '"1"']] };
    const exchanges = [
      { request, response: stored },
      { request: again, response: { status: 304, headers: [] } },
    ];
    expect(line({ credentials: 'omit', exchanges }).verdict).toBe('allowed');
    expect(line({ credentials: 'omit', exchanges: exchanges.slice(1) }).reason).toBe('not_modified');
  });

  test('that is malformed is reported with the position', () => {
    expect(() => line({ exchanges: [{ request: { method: 'GET' } }] })).toThrow('exchanges.0.request.url');
    expect(() => line({ credentials: 'all', exchanges: [] })).toThrow('credentials');
  });

  test('gives a result for any bytes', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    const list = fc.option(
      fc.array(
        fc.tuple(
          fc.oneof(
            text,
            fc.constantFrom(
              'Origin',
              'Location',
              'Access-Control-Allow-Origin',
              'Access-Control-Request-Method',
            ),
          ),
          text,
        ),
      ),
    );
    const hop = fc.record({
      request: fc.record({
        method: fc.constantFrom('GET', 'OPTIONS', 'x\n'),
        url: fc.oneof(text, fc.constant(API)),
        headers: list,
      }),
      response: fc.option(fc.record({ status: fc.option(fc.integer()), headers: list })),
    });
    fc.assert(
      fc.property(fc.option(text), fc.array(hop, { maxLength: 4 }), (origin, exchanges) => {
        const { decisions, decidedBy } = line({ origin, exchanges });
        expect(decisions).toHaveLength(exchanges.length);
        if (decidedBy !== null) expect(decisions[decidedBy]).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});
