import { describe, expect, test } from 'vitest';
import { explainRequest } from '../explanation.ts';
import { readHar } from './read-har.ts';

const PAGE = 'https://app.example';
const API = 'https://api.example/x';

const named = (headers: Record<string, string>) =>
  Object.entries(headers).map(([name, value]) => ({ name, value }));

function entry(
  method: string,
  url: string,
  asked: Record<string, string>,
  status: number,
  answered: Record<string, string> = {},
) {
  return {
    startedDateTime: '2026-01-01T00:00:00.000Z',
    request: { method, url, headers: named({ ':authority': new URL(url).host, ...asked }) },
    response: { status, headers: named(answered), redirectURL: answered.location ?? '' },
  };
}

const CORS = { origin: PAGE, 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site' };
const ALLOW = { 'access-control-allow-origin': PAGE, date: 'now' };
const preflight = (method: string, answered: Record<string, string>) =>
  entry('OPTIONS', API, { ...CORS, 'access-control-request-method': method }, 204, answered);
const read = (...entries: unknown[]) => readHar({ log: { entries } }, 'a.har');
const explained = (...entries: unknown[]) =>
  read(...entries).map((request) => {
    const { id, verdict, reason, decidedBy } = explainRequest({ ...request, credentials: 'omit' });
    return { id, verdict, reason, decidedBy };
  });

describe('a 304 of a HAR', () => {
  const tagged = { ...ALLOW, etag: '"1"', 'access-control-allow-credentials': 'x' };
  const first = entry('GET', API, CORS, 200, tagged);
  const again = (status: number, answered: Record<string, string>) =>
    entry('GET', API, { ...CORS, 'if-none-match': '"1"' }, status, answered);
  const reasons = (...entries: unknown[]) => explained(...entries).map(({ reason }) => reason);

  test('is merged with the response that was stored before it', () => {
    const other = { 'access-control-allow-origin': 'https://other.example' };
    expect(reasons(first, again(304, {}))).toEqual(['', '']);
    expect(reasons(first, again(304, other), again(304, {}))).toEqual(['', 'acao_mismatch', 'acao_mismatch']);
    const bare = entry('GET', API, CORS, 200, { etag: '"1"' });
    expect(reasons(bare, again(304, { date: 'now' }))).toEqual(['acao_missing', 'acao_missing']);
  });

  test('is undecided when the recording does not contain the stored response', () => {
    const changed = entry('GET', API, CORS, 200, { ...tagged, etag: '"2"' });
    const elsewhere = entry('GET', API, { ...CORS, origin: 'https://other.example' }, 200, tagged);
    for (const before of [changed, elsewhere])
      expect(reasons(before, again(304, { date: 'now' }))[1]).toBe('not_modified');
  });

  test('is recognised from Playwright, too, which records it as 200', () => {
    const recorded = (...entries: unknown[]) =>
      readHar({ log: { creator: { name: 'Playwright' }, entries } }, 'a.har').map(
        (request) => explainRequest({ ...request, credentials: 'omit' }).reason,
      );
    expect(recorded(first, again(200, { etag: '"1"' }))).toEqual(['', '']);
    expect(recorded(first, again(200, { etag: '"1"' }), again(200, { etag: '"1"' }))).toEqual(['', '', '']);
    expect(recorded(first, again(200, { etag: '"2"' }))).toEqual(['', 'acao_missing']);
  });
});

describe('the entries of a HAR are grouped into requests:', () => {
  test('a preflight before or after the request it was for', () => {
    const granted = preflight('PUT', { ...ALLOW, 'access-control-allow-methods': 'PUT' });
    const put = entry('PUT', API, CORS, 200, { date: 'now' });
    const other = entry('GET', API, CORS, 200, ALLOW);
    const blocked = { verdict: 'blocked', reason: 'acao_missing', decidedBy: 1 };
    const allowed = { verdict: 'allowed', reason: '', decidedBy: null };
    expect(explained(granted, other, put)).toEqual([
      { id: 'entries[2]', ...blocked },
      { id: 'entries[1]', ...allowed },
    ]);
    expect(explained(put, granted, other)).toEqual([
      { id: 'entries[0]', ...blocked },
      { id: 'entries[2]', ...allowed },
    ]);
  });

  test('a blocked preflight with the request that was never sent', () => {
    const unsent = {
      ...entry('PUT', API, {}, 0),
      request: { method: 'PUT', url: API, headers: named({ 'user-agent': 'x' }) },
    };
    expect(explained(unsent, preflight('PUT', ALLOW))).toEqual([
      { id: 'entries[0]', verdict: 'blocked', reason: 'method_not_allowed', decidedBy: 0 },
    ]);
  });

  test('redirects, by absolute and by relative location', () => {
    const hops = [
      entry('GET', `${PAGE}/a`, { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' }, 302, {
        location: '/b',
      }),
      entry('GET', `${PAGE}/b`, { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' }, 302, {
        location: API,
      }),
      entry('GET', API, CORS, 200, { date: 'now' }),
    ];
    expect(explained(...hops)).toEqual([
      { id: 'entries[2]', verdict: 'blocked', reason: 'acao_missing', decidedBy: 2 },
    ]);
  });
});

test('missing parts of a blocked entry are not guessed', () => {
  const provisional = {
    request: { method: 'GET', url: API, headers: named({ referer: `${PAGE}/` }) },
    response: { status: 0, headers: [] },
  };
  expect(explained(provisional)).toMatchObject([{ verdict: 'unknown', reason: 'headers_not_captured' }]);
  // The response is known, but not whether the request had an Origin.
  expect(explained({ ...provisional, response: { status: 200, headers: named(ALLOW) } })).toMatchObject([
    { verdict: 'unknown', reason: 'headers_not_captured' },
  ]);
  expect(explained(entry('GET', API, CORS, 200))).toMatchObject([{ reason: 'headers_not_captured' }]);
});

test('a response without a status still shows what blocks any status', () => {
  expect(explained(entry('GET', API, CORS, 0, { date: 'now' }))).toMatchObject([{ reason: 'acao_missing' }]);
  expect(
    explained({
      ...preflight('PUT', { ...ALLOW, 'access-control-allow-methods': 'PUT' }),
      response: { status: 0, headers: named({ ...ALLOW, 'access-control-allow-methods': 'PUT' }) },
    }),
  ).toMatchObject([{ verdict: 'unknown', reason: 'headers_not_captured' }]);
});

test('requests that were never sent over a network are left out', () => {
  const inPage = {
    request: { method: 'GET', url: 'data:,x', headers: [] },
    response: { status: 200, headers: [] },
  };
  expect(read(inPage, entry('GET', API, CORS, 200, ALLOW)).map(({ id }) => id)).toEqual(['entries[1]']);
});

test('an invalid HAR is rejected', () => {
  expect(() => readHar({ log: {} }, 'a.har')).toThrow('a.har is not a valid HAR: log.entries');
});

describe('what a HAR shows of the outcome', () => {
  const ANY = { 'access-control-allow-origin': '*' };
  const recorded = (creator: string, one: ReturnType<typeof entry>, response: object) =>
    readHar(
      {
        log: {
          creator: { name: creator },
          browser: { name: 'chromium' },
          entries: [{ ...one, response: { ...one.response, ...response } }],
        },
      },
      'a.har',
    ).map((request) => {
      const { verdict, reason, detail } = explainRequest(request);
      return [verdict, reason, detail];
    });
  const unanswered = entry('GET', API, CORS, 0);

  test.each([
    ['net::ERR_EMPTY_RESPONSE', 'network_failure'],
    ['net::ERR_CONNECTION_REFUSED', 'network_failure'],
    ['net::ERR_ABORTED', 'request_aborted'],
    ['net::ERR_BLOCKED_BY_CLIENT', 'blocked_by_extension'],
  ])('%s is a failure of its own, and not missing headers', (error, reason) => {
    const verdict = reason === 'blocked_by_extension' ? 'blocked' : 'unknown';
    expect(recorded('WebInspector', unanswered, { _error: error })).toEqual([[verdict, reason, error]]);
    expect(recorded('Playwright', unanswered, { status: -1, _failureText: error })).toEqual([
      [verdict, reason, error],
    ]);
  });

  test('net::ERR_FAILED is what Chrome says of every blocked response, so it does not tell the cause', () => {
    expect(recorded('WebInspector', unanswered, { _error: 'net::ERR_FAILED' })[0]?.slice(0, 2)).toEqual([
      'unknown',
      'headers_not_captured',
    ]);
  });

  test('settles whether a request had credentials', () => {
    const wildcard = entry('GET', API, CORS, 200, ANY);
    expect(recorded('', wildcard, {})[0]?.[1]).toBe('credentials_mode_unknown');
    expect(recorded('WebInspector', wildcard, { _error: null })).toEqual([['allowed', '', '']]);
    expect(recorded('WebInspector', wildcard, { _error: 'net::ERR_FAILED' })[0]?.[1]).toBe(
      'acao_wildcard_with_credentials',
    );
    // Old versions did not record errors.
    expect(recorded('WebInspector', wildcard, {})[0]?.[1]).toBe('credentials_mode_unknown');
  });
});
