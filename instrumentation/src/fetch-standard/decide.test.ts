import { describe, expect, test } from 'vitest';
import {
  ALLOW_ANY,
  ALLOW_CREDENTIALS,
  ALLOW_PAGE,
  ALLOW_PUT,
  actual,
  COOKIE,
  CORS_METADATA,
  PAGE,
  preflight,
} from '../../../test/support/decided.ts';
import { decide } from './decide.ts';
import type { Decision, HeaderList } from './decision.ts';

const verdictOf = ({ verdict, reason, detail }: Decision) => [verdict, reason, detail];

describe('an actual request', () => {
  test.each<[name: string, headers: HeaderList, expected: [string, string, string]]>([
    ['is allowed by its exact origin and credentials', [ALLOW_PAGE, ALLOW_CREDENTIALS], ['allowed', '', '']],
    ['is blocked without Allow-Origin', [], ['blocked', 'acao_missing', '']],
    [
      'is blocked by two equal Allow-Origin headers',
      [ALLOW_PAGE, ALLOW_PAGE],
      ['blocked', 'acao_multiple', `${PAGE}, ${PAGE}`],
    ],
    [
      'is blocked by a list of origins',
      [['access-control-allow-origin', `${PAGE} https://b.example`]],
      ['blocked', 'acao_multiple', `${PAGE} https://b.example`],
    ],
    [
      'is blocked by a host name instead of an origin',
      [['Access-Control-Allow-Origin', 'app.example.com']],
      ['blocked', 'acao_invalid', 'app.example.com'],
    ],
    ['is blocked by an empty value', [['Access-Control-Allow-Origin', '']], ['blocked', 'acao_invalid', '']],
    [
      'is blocked by another origin',
      [['Access-Control-Allow-Origin', 'https://b.example']],
      ['blocked', 'acao_mismatch', 'https://b.example'],
    ],
    [
      'is blocked by a trailing slash',
      [['Access-Control-Allow-Origin', `${PAGE}/`]],
      ['blocked', 'acao_mismatch', `${PAGE}/`],
    ],
    [
      'is blocked by upper case',
      [['Access-Control-Allow-Origin', 'https://App.example.com']],
      ['blocked', 'acao_mismatch', 'https://App.example.com'],
    ],
    ['is blocked by null', [['Access-Control-Allow-Origin', 'null']], ['blocked', 'acao_mismatch', 'null']],
    [
      'is allowed whatever whitespace surrounds the value',
      [['Access-Control-Allow-Origin', `\t ${PAGE} `], ALLOW_CREDENTIALS],
      ['allowed', '', ''],
    ],
    [
      'is undecided by a wildcard while the credentials mode is unknown',
      [ALLOW_ANY],
      ['unknown', 'credentials_mode_unknown', 'acao_wildcard_with_credentials'],
    ],
    [
      'is undecided without Allow-Credentials while the credentials mode is unknown',
      [ALLOW_PAGE],
      ['unknown', 'credentials_mode_unknown', 'acac_not_true'],
    ],
  ])('%s', (_, headers, expected) => {
    expect(verdictOf(actual(headers))).toEqual(expected);
  });

  test.each<[name: string, headers: HeaderList, expected: [string, string, string]]>([
    ['a wildcard blocks', [ALLOW_ANY, ALLOW_CREDENTIALS], ['blocked', 'acao_wildcard_with_credentials', '*']],
    ['a missing Allow-Credentials blocks', [ALLOW_PAGE], ['blocked', 'acac_not_true', '']],
    [
      'an Allow-Credentials of another case blocks',
      [ALLOW_PAGE, ['Access-Control-Allow-Credentials', 'True']],
      ['blocked', 'acac_not_true', 'True'],
    ],
    ['both headers allow', [ALLOW_PAGE, ALLOW_CREDENTIALS], ['allowed', '', '']],
  ])('with a cookie %s', (_, headers, expected) => {
    const decision = actual(headers, { headers: [COOKIE] });
    expect(decision.credentials).toBe('included');
    expect(verdictOf(decision)).toEqual(expected);
  });

  test('shows its credentials by Sec-Fetch-Storage-Access', () => {
    const decision = actual([ALLOW_ANY], { headers: [['Sec-Fetch-Storage-Access', 'none']] });
    expect(decision.reason).toBe('acao_wildcard_with_credentials');
  });

  test.each<[brands: string, credentials: string]>([
    ['"Google Chrome";v="156", "Chromium";v="156", "Not:A-Brand";v="8"', 'omitted'],
    ['"Chromium";v="133"', 'omitted'],
    ['"Chromium";v="132"', 'unknown'],
    ['"Android WebView";v="156", "Chromium";v="156"', 'unknown'],
    ['"Brave";v="156", "Chromium";v="156"', 'unknown'],
    ['"Chromium";v="', 'unknown'],
    ['', 'unknown'],
  ])('shows that it had none by the absence of Sec-Fetch-Storage-Access: %s → %s', (brands, credentials) => {
    const headers = [['sec-ch-ua', brands]] as const;
    expect(actual([], { headers }).credentials).toBe(credentials);
    expect(actual([], { headers }, { requestHeadersCaptured: false }).credentials).toBe('unknown');
  });

  test('is told from its preflight by Firefox, and by no other browser', () => {
    const asked = (...more: HeaderList) =>
      decide({
        request: {
          method: 'OPTIONS',
          url: '/data',
          headers: [['Origin', PAGE], ...CORS_METADATA, ['Access-Control-Request-Method', 'PUT'], ...more],
        },
        response: { status: 204, headers: [ALLOW_ANY, ALLOW_PUT] },
      });
    expect(asked(['Sec-Fetch-Storage-Access', 'none']).reason).toBe('acao_wildcard_with_credentials');
    expect(asked(['sec-ch-ua', '"Chromium";v="156"']).reason).toBe('credentials_mode_unknown');
  });

  test('is decided by one branch where the page side is known', () => {
    expect(actual([ALLOW_ANY], {}, { credentials: 'omitted' }).verdict).toBe('allowed');
    expect(actual([ALLOW_ANY], {}, { credentials: 'included' }).verdict).toBe('blocked');
  });

  test('may not be redirected to a URL with a password', () => {
    const location = ['Location', 'https://user:secret@b.example/private?q=1'] as const;
    const decision = actual([ALLOW_PAGE, ALLOW_CREDENTIALS, location], { status: 302 });
    expect(verdictOf(decision)).toEqual(['blocked', 'redirect_url_has_credentials', 'https://b.example']);
  });

  test.each([
    ['ftp://b.example/private', 'ftp:'],
    ['data:text/plain,x', 'data:'],
    ['http://[', '(invalid)'],
  ])('may not be redirected to %s', (target, detail) => {
    const decision = actual([ALLOW_PAGE, ALLOW_CREDENTIALS, ['Location', target]], { status: 302 });
    expect(verdictOf(decision)).toEqual(['blocked', 'redirect_url_not_http', detail]);
  });

  test('may follow a redirect that passes the check, and none that does not', () => {
    const location = ['Location', 'https://b.example/'] as const;
    expect(actual([ALLOW_PAGE, ALLOW_CREDENTIALS, location], { status: 302 }).verdict).toBe('allowed');
    expect(actual([location], { status: 302 }).reason).toBe('acao_missing');
  });

  test('that revalidates is undecided by a 304 without Allow-Origin: the stored response has its own', () => {
    const conditional = { status: 304, headers: [['If-None-Match', '"1"'] as const] };
    expect(verdictOf(actual([], conditional))).toEqual(['unknown', 'not_modified', 'acao_missing']);
    expect(actual([['Access-Control-Allow-Origin', 'https://b.example']], conditional).verdict).toBe(
      'blocked',
    );
    expect(actual([ALLOW_PAGE, ALLOW_CREDENTIALS], conditional).verdict).toBe('allowed');
    expect(actual([], { status: 304 }).reason).toBe('acao_missing');
  });

  test('that a page made conditional by itself gets the 304 as it is', () => {
    const conditional = { status: 304, headers: [['If-None-Match', '"1"'] as const] };
    expect(actual([], conditional, { notModifiedIsFinal: true }).reason).toBe('acao_missing');
    expect(actual([], { ...conditional, method: 'POST' }).reason).toBe('acao_missing');
    expect(actual([], { ...conditional, method: 'HEAD' }).reason).toBe('not_modified');
  });

  test('is undecided where headers may not have been recorded', () => {
    const context = { responseHeadersCaptured: false };
    expect(verdictOf(actual([], {}, context))).toEqual(['unknown', 'headers_not_captured', 'acao_missing']);
    expect(actual([['Access-Control-Allow-Origin', 'https://b.example']], {}, context).verdict).toBe(
      'blocked',
    );
  });

  test('whose Origin was removed on the way is decided only where no origin matters', () => {
    const removed = (headers: HeaderList) =>
      decide(
        { request: { method: 'GET', url: '/', headers: CORS_METADATA }, response: { status: 200, headers } },
        { credentials: 'omitted' },
      );
    expect(removed([]).reason).toBe('acao_missing');
    expect(removed([ALLOW_ANY]).verdict).toBe('allowed');
    expect(removed([ALLOW_PAGE]).reason).toBe('headers_not_captured');
  });
});

describe('a preflight', () => {
  const granted: HeaderList = [ALLOW_PAGE, ALLOW_CREDENTIALS, ALLOW_PUT];
  const allowHeaders = (value: string) => ['Access-Control-Allow-Headers', value] as const;

  test.each<
    [
      name: string,
      asked: { method?: string; headers?: string },
      headers: HeaderList,
      status: number,
      expected: [string, string, string],
    ]
  >([
    ['is allowed', {}, granted, 204, ['allowed', '', '']],
    [
      'may not be redirected',
      {},
      [...granted, ['Location', 'https://login.example/?next=1']],
      302,
      ['blocked', 'preflight_redirect', 'https://login.example'],
    ],
    [
      'may not be redirected within its origin',
      {},
      [...granted, ['Location', '/data/']],
      308,
      ['blocked', 'preflight_redirect', '(same origin)'],
    ],
    ['without Allow-Origin fails by that, not by its status', {}, [], 403, ['blocked', 'acao_missing', '']],
    ['needs a status of success', {}, granted, 401, ['blocked', 'preflight_status_not_ok', '401']],
    [
      'with a redirect status that leads nowhere fails by its status',
      {},
      granted,
      302,
      ['blocked', 'preflight_status_not_ok', '302'],
    ],
    [
      'needs well-formed methods, also when none are needed',
      { method: 'GET' },
      [ALLOW_PAGE, ALLOW_CREDENTIALS, ['Access-Control-Allow-Methods', 'GET PUT']],
      204,
      ['blocked', 'acam_malformed', 'GET PUT'],
    ],
    [
      'needs well-formed headers, also when none are needed',
      {},
      [...granted, allowHeaders('x-a;x-b')],
      204,
      ['blocked', 'acah_malformed', 'x-a;x-b'],
    ],
    [
      'passes over empty list elements',
      {},
      [ALLOW_PAGE, ALLOW_CREDENTIALS, ['Access-Control-Allow-Methods', ',PUT, ,']],
      204,
      ['allowed', '', ''],
    ],
    ['needs its method', { method: 'DELETE' }, granted, 204, ['blocked', 'method_not_allowed', 'DELETE']],
    [
      'needs its method in its own case',
      { method: 'patch' },
      [ALLOW_PAGE, ALLOW_CREDENTIALS, ['Access-Control-Allow-Methods', 'PATCH']],
      204,
      ['blocked', 'method_not_allowed', 'patch'],
    ],
    [
      'needs no permission for a safelisted method',
      { method: 'POST', headers: 'x-a' },
      [ALLOW_PAGE, ALLOW_CREDENTIALS, allowHeaders('X-A')],
      204,
      ['allowed', '', ''],
    ],
    [
      'names the first header that is missing',
      { headers: 'traceparent,baggage,x-a' },
      [...granted, allowHeaders('x-a')],
      204,
      ['blocked', 'header_not_allowed', 'baggage'],
    ],
    [
      'combines repeated lists',
      { headers: 'x-a,x-b' },
      [...granted, allowHeaders('x-a'), allowHeaders('x-b')],
      204,
      ['allowed', '', ''],
    ],
    [
      'is undecided by a wildcard that credentials would disarm',
      {},
      [ALLOW_PAGE, ALLOW_CREDENTIALS, ['Access-Control-Allow-Methods', '*']],
      204,
      ['unknown', 'credentials_mode_unknown', 'method_not_allowed'],
    ],
    [
      'is certain where both credentials modes fail',
      { method: 'DELETE' },
      [ALLOW_PAGE, ALLOW_PUT],
      204,
      ['blocked', 'method_not_allowed', 'DELETE'],
    ],
  ])('%s', (_, asked, headers, status, expected) => {
    const decision = preflight(asked, headers, status);
    expect(decision.kind).toBe('preflight');
    expect(verdictOf(decision)).toEqual(expected);
  });

  test('with a wildcard for its headers lets Authorization pass in browsers, with a note, and not in the standard', () => {
    const ask = (profile: 'browser' | 'spec') =>
      preflight({ headers: 'authorization,x-a' }, [ALLOW_ANY, ALLOW_PUT, allowHeaders('*')], 204, {
        profile,
        credentials: 'omitted',
      });
    expect(ask('browser')).toMatchObject({
      verdict: 'allowed',
      notes: expect.arrayContaining(['authorization_covered_by_wildcard']),
    });
    expect(verdictOf(ask('spec'))).toEqual(['blocked', 'header_not_allowed', 'authorization']);
  });

  test('of which nothing is recorded is blocked by its status alone', () => {
    const context = { responseHeadersCaptured: false };
    expect(preflight({}, [], 204, context).reason).toBe('headers_not_captured');
    expect(verdictOf(preflight({}, [], 403, context))).toEqual(['blocked', 'preflight_status_not_ok', '403']);
  });

  test('whose requested headers may not have been recorded is not called allowed', () => {
    const context = { requestHeadersCaptured: false };
    expect(preflight({}, granted, 204, context).reason).toBe('headers_not_captured');
    expect(preflight({ headers: 'x-a' }, [...granted, allowHeaders('x-a')], 204, context).verdict).toBe(
      'allowed',
    );
  });

  test('keeps what was requested: the method, and at most 32 names, sanitised, sorted, unique', () => {
    const names = [...Array.from({ length: 40 }, (_, i) => `X-${i}`), 'X-1', 'a\u001bb', 'l'.repeat(100)];
    const asked = { method: 'P\u0007', headers: names.join(' , ') };
    const decision = preflight(asked, granted, 204, { unmasked: true });
    expect(decision.requestMethod).toBe('P\\x07');
    expect(decision.requestHeaders).toHaveLength(32);
    expect(decision.requestHeaders).toEqual([...new Set(decision.requestHeaders)].sort());
    expect(decision.requestHeaders).toContain('a\\x1bb');
    expect(decision.requestHeaders).toContain('l'.repeat(64));

    const masked = preflight(asked, granted);
    expect(masked.requestMethod).toBe('(other)');
    expect(masked.requestHeaders).toHaveLength(32);
    expect(masked.requestHeaders).toContain('(other)');
    expect(masked.requestHeaders.join()).toMatch(/^[a-z0-9(),-]+$/);
  });
});

test('the facts of an exchange stand beside its verdict', () => {
  const decision = actual([
    ALLOW_PAGE,
    ALLOW_CREDENTIALS,
    ['Vary', 'Origin'],
    ['Access-Control-Max-Age', '-1'],
  ]);
  expect(decision).toEqual({
    kind: 'actual',
    verdict: 'allowed',
    reason: '',
    detail: '',
    origin: PAGE,
    requestMethod: 'GET',
    requestHeaders: [],
    credentials: 'unknown',
    withCredentials: undefined,
    allowOrigin: 'exact',
    allowCredentials: true,
    maxAge: 0,
    varyOrigin: true,
    site: 'cross-site',
    browser: true,
    notes: [],
  } satisfies Decision);
});

test('a failing token is sanitised and truncated', () => {
  const answer = [['Access-Control-Allow-Origin', `\u001b[31m\r\nx ${'y'.repeat(1000)}`]] as const;
  const { detail } = actual(answer, {}, { unmasked: true });
  expect(detail).toHaveLength(256);
  expect(detail).toMatch(/^[ -~]+$/);
  expect(actual(answer).detail).toBe('...\\x0d\\x0a... ...');
});
