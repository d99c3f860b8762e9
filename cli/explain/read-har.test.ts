import { describe, expect, test } from 'vitest';
import { explainRequest } from './explanation.ts';
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

describe('the entries of a HAR are put together to requests:', () => {
  test('a preflight before or after the request it was for', () => {
    const granted = preflight('PUT', { ...ALLOW, 'access-control-allow-methods': 'PUT' });
    const put = entry('PUT', API, CORS, 200, { date: 'now' });
    const other = entry('GET', API, CORS, 200, ALLOW);
    const refused = { verdict: 'blocked', reason: 'acao_missing', decidedBy: 1 };
    const allowed = { verdict: 'allowed', reason: '', decidedBy: null };
    expect(explained(granted, other, put)).toEqual([
      { id: 'entries[2]', ...refused },
      { id: 'entries[1]', ...allowed },
    ]);
    expect(explained(put, granted, other)).toEqual([
      { id: 'entries[0]', ...refused },
      { id: 'entries[2]', ...allowed },
    ]);
  });

  test('a refused preflight with the request that was never sent', () => {
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

test('what a browser left out of a blocked entry is not guessed', () => {
  const provisional = {
    request: { method: 'GET', url: API, headers: named({ referer: `${PAGE}/` }) },
    response: { status: 0, headers: [] },
  };
  expect(explained(provisional)).toMatchObject([{ verdict: 'unknown', reason: 'headers_not_captured' }]);
  // Whether it carried an Origin is not known, though the answer is.
  expect(explained({ ...provisional, response: { status: 200, headers: named(ALLOW) } })).toMatchObject([
    { verdict: 'unknown', reason: 'headers_not_captured' },
  ]);
  expect(explained(entry('GET', API, CORS, 200))).toMatchObject([{ reason: 'headers_not_captured' }]);
});

test('an answer without a status still shows what every status is refused for', () => {
  expect(explained(entry('GET', API, CORS, 0, { date: 'now' }))).toMatchObject([{ reason: 'acao_missing' }]);
  expect(
    explained({
      ...preflight('PUT', { ...ALLOW, 'access-control-allow-methods': 'PUT' }),
      response: { status: 0, headers: named({ ...ALLOW, 'access-control-allow-methods': 'PUT' }) },
    }),
  ).toMatchObject([{ verdict: 'unknown', reason: 'headers_not_captured' }]);
});

test('what never went over a network is left out', () => {
  const inPage = {
    request: { method: 'GET', url: 'data:,x', headers: [] },
    response: { status: 200, headers: [] },
  };
  expect(read(inPage, entry('GET', API, CORS, 200, ALLOW)).map(({ id }) => id)).toEqual(['entries[1]']);
});

test('what is no HAR says so', () => {
  expect(() => readHar({ log: {} }, 'a.har')).toThrow('a.har is no HAR: log.entries');
});
