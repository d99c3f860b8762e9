import { expect, test } from 'vitest';
import { askedOf, corsCheck, get, type Headers, preflightCheck } from './fetch-algorithm.ts';

const ORIGIN = 'https://shop.example';

function acao(value: string): Headers {
  return [['Access-Control-Allow-Origin', value]];
}

test.each([
  [[], 'acao_missing'],
  [acao('https://other.example'), 'acao_mismatch'],
  [acao(`${ORIGIN}/`), 'acao_mismatch'],
  [acao('null'), 'acao_mismatch'],
  [acao('shop.example'), 'acao_invalid'],
  [acao(`${ORIGIN}, ${ORIGIN}`), 'acao_multiple'],
  [[...acao(ORIGIN), ...acao(ORIGIN)], 'acao_multiple'],
] as const)('a response with %j is blocked: %s', (headers, reason) => {
  for (const includesCredentials of [false, true]) {
    expect(corsCheck(ORIGIN, includesCredentials, headers)).toEqual({ reason });
  }
});

test('a wildcard is enough without credentials, and with them nothing but the origin and "true" is', () => {
  expect(corsCheck(ORIGIN, false, acao('*'))).toBeNull();
  expect(corsCheck(ORIGIN, true, acao('*'))).toEqual({ reason: 'acao_wildcard_with_credentials' });
  expect(corsCheck(ORIGIN, false, acao(ORIGIN))).toBeNull();
  expect(corsCheck(ORIGIN, true, acao(ORIGIN))).toEqual({ reason: 'acac_not_true' });
  const credentials = (value: string): Headers => [
    ...acao(ORIGIN),
    ['Access-Control-Allow-Credentials', value],
  ];
  expect(corsCheck(ORIGIN, true, credentials('True'))).toEqual({ reason: 'acac_not_true' });
  expect(corsCheck(ORIGIN, true, credentials(' true '))).toBeNull();
});

const ASKED = { method: 'PUT', headerNames: ['content-type', 'x-key'] };

function preflight(extra: Headers, status = 204, includesCredentials = false): string | undefined {
  const headers = [...acao(includesCredentials ? ORIGIN : '*'), ...extra];
  if (includesCredentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
  return preflightCheck(ORIGIN, includesCredentials, ASKED, { status, headers })?.reason;
}

const METHODS = ['Access-Control-Allow-Methods', 'GET, PUT'] as const;
const HEADERS = ['Access-Control-Allow-Headers', 'Content-Type,X-Key'] as const;

test('a preflight passes when status, method and headers do', () => {
  expect(preflight([METHODS, HEADERS])).toBeUndefined();
  expect(preflight([METHODS, HEADERS], 404)).toBe('preflight_status_not_ok');
  expect(preflight([HEADERS])).toBe('method_not_allowed');
  expect(preflight([['Access-Control-Allow-Methods', 'put'], HEADERS])).toBe('method_not_allowed');
  expect(preflight([METHODS])).toBe('header_not_allowed');
  expect(preflight([['Access-Control-Allow-Methods', 'GET; PUT'], HEADERS])).toBe('acam_malformed');
  expect(preflight([METHODS, ['Access-Control-Allow-Headers', 'Content-Type; X-Key']])).toBe(
    'acah_malformed',
  );
});

test('a redirect comes before everything, the origin before the status', () => {
  const redirected = { status: 308, headers: [['Location', '/']] as const };
  expect(preflightCheck(ORIGIN, false, ASKED, redirected)).toEqual({ reason: 'preflight_redirect' });
  expect(preflightCheck(ORIGIN, false, ASKED, { status: 403, headers: [] })).toEqual({
    reason: 'acao_missing',
  });
});

test('wildcards for methods and headers hold without credentials only', () => {
  const wildcards: Headers = [
    ['Access-Control-Allow-Methods', '*'],
    ['Access-Control-Allow-Headers', '*'],
  ];
  expect(preflight(wildcards)).toBeUndefined();
  expect(preflight(wildcards, 204, true)).toBe('method_not_allowed');
});

test('a preflight is needed for what a form could not send', () => {
  expect(askedOf('GET', { accept: 'text/html' })).toBeNull();
  expect(askedOf('POST', { 'Content-Type': 'text/plain; charset=utf-8' })).toBeNull();
  expect(askedOf('POST', { 'Content-Type': 'application/json', 'X-B': '1', 'X-A': '2' })).toEqual({
    method: 'POST',
    headerNames: ['content-type', 'x-a', 'x-b'],
  });
  expect(askedOf('DELETE', {})).toEqual({ method: 'DELETE', headerNames: [] });
});

test('repeated headers are read as one', () => {
  expect(
    get(
      [
        ['A', ' 1 '],
        ['b', '2'],
        ['a', '3'],
      ],
      'a',
    ),
  ).toBe('1, 3');
  expect(get([], 'a')).toBeNull();
});
