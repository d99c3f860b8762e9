import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { HeaderList, Kind } from './decision.ts';
import type { Context } from './observed-exchange.ts';

const PAGE = 'https://app.example.com';
const ORIGIN = ['Origin', PAGE] as const;

function kindOf(method: string, headers: HeaderList, context: Context = {}, url = '/data'): Kind {
  return decide({ request: { method, url, headers }, response: { status: 200, headers: [] } }, context).kind;
}

const metadata = (site: string, mode: string): HeaderList => [
  ['Sec-Fetch-Site', site],
  ['Sec-Fetch-Mode', mode],
];

describe('by fetch metadata', () => {
  test.each<[method: string, site: string, mode: string, kind: Kind]>([
    ['GET', 'cross-site', 'cors', 'actual'],
    ['POST', 'same-site', 'cors', 'actual'],
    ['POST', 'same-origin', 'cors', 'same_origin'],
    ['POST', 'same-origin', 'same-origin', 'same_origin'],
    ['POST', 'cross-site', 'no-cors', 'no_cors'],
    ['POST', 'cross-site', 'navigate', 'navigation'],
    ['GET', 'cross-site', 'websocket', 'websocket'],
    ['POST', 'none', 'cors', 'ambiguous'],
  ])('%s %s %s is %s', (method, site, mode, kind) => {
    expect(kindOf(method, [ORIGIN, ...metadata(site, mode)])).toBe(kind);
  });
});

test('a preflight is recognised by its form, also with Sec-Fetch-Mode alone', () => {
  const asked = ['Access-Control-Request-Method', 'PUT'] as const;
  expect(kindOf('OPTIONS', [ORIGIN, asked])).toBe('preflight');
  expect(kindOf('OPTIONS', [ORIGIN, asked, ['Sec-Fetch-Mode', 'cors']])).toBe('preflight');
  expect(kindOf('OPTIONS', [asked, ['Sec-Fetch-Mode', 'cors']])).toBe('preflight');
  expect(kindOf('OPTIONS', [asked])).toBe('no_cors');
  expect(kindOf('OPTIONS', [ORIGIN])).toBe('ambiguous');
});

test('a WebSocket is recognised by its upgrade, because Chromium sends no metadata with it', () => {
  expect(kindOf('GET', [ORIGIN, ['Connection', 'Upgrade'], ['Upgrade', 'WebSocket']])).toBe('websocket');
});

describe('without metadata', () => {
  const own = (scheme: 'http' | 'https' | undefined, host: string): Context => ({
    ownOrigin: { scheme, host },
  });
  const other = own('https', 'api.example.com');
  const json = ['Content-Type', 'application/json'] as const;
  const form = ['Content-Type', 'Application/X-WWW-form-urlencoded ; charset=utf-8'] as const;

  test.each<[host: Context]>([
    [own('https', 'app.example.com')],
    [own('https', 'APP.example.com:443')],
    [own(undefined, 'app.example.com')],
  ])('the own origin makes it same-origin: %o', (context) => {
    expect(kindOf('POST', [ORIGIN, json], context)).toBe('same_origin');
  });

  test.each<[host: Context]>([
    [own('http', 'app.example.com')],
    [own('https', 'app.example.com:8443')],
    [own('https', 'app.example.com.evil.example')],
  ])('another scheme, port or host does not: %o', (context) => {
    expect(kindOf('POST', [ORIGIN, json], context)).toBe('actual');
  });

  test('an absolute URL is used as the own origin', () => {
    expect(kindOf('PUT', [ORIGIN], {}, `${PAGE}/data`)).toBe('same_origin');
    expect(kindOf('PUT', [ORIGIN], {}, 'https://api.example.com/data')).toBe('actual');
  });

  test('a POST that a form could send stays ambiguous', () => {
    expect(kindOf('POST', [ORIGIN, form], other)).toBe('ambiguous');
    expect(kindOf('POST', [ORIGIN], other)).toBe('ambiguous');
    expect(kindOf('POST', [ORIGIN, json], other)).toBe('actual');
    expect(kindOf('PUT', [ORIGIN, form], other)).toBe('actual');
  });

  test('a GET with Origin is CORS; other methods are ambiguous while the own origin is unknown', () => {
    expect(kindOf('GET', [ORIGIN])).toBe('actual');
    expect(kindOf('PUT', [ORIGIN, json])).toBe('ambiguous');
  });

  test('neither Origin nor metadata is not CORS', () => {
    expect(kindOf('GET', [])).toBe('no_cors');
  });
});

test('an ambiguous request is allowed where even CORS would allow it, else unknown', () => {
  const answer = (headers: HeaderList) =>
    decide(
      { request: { method: 'POST', url: '/', headers: [ORIGIN] }, response: { status: 200, headers } },
      { ownOrigin: { scheme: 'https', host: 'api.example.com' }, credentials: 'omitted' },
    );
  expect(answer([['Access-Control-Allow-Origin', '*']]).verdict).toBe('allowed');
  expect(answer([])).toMatchObject({ verdict: 'unknown', reason: 'kind_ambiguous', detail: 'acao_missing' });
});

describe('outside CORS', () => {
  const lead = (location: string, headers: HeaderList, profile: 'browser' | 'spec' = 'browser') =>
    decide(
      {
        request: { method: 'GET', url: '/', headers },
        response: { status: 307, headers: [['Location', location]] },
      },
      { ownOrigin: { scheme: 'https', host: 'app.example.com' }, profile },
    );

  test('a redirect to a URL with a password blocks, in the standard only a same-origin request led away', () => {
    const own = metadata('same-origin', 'cors');
    expect(lead('https://u:p@b.example/', own).reason).toBe('redirect_url_has_credentials');
    expect(lead('https://u@app.example.com/', own).reason).toBe('redirect_url_has_credentials');
    expect(lead('https://b.example/', own).verdict).toBe('allowed');
    expect(lead('https://u:p@b.example/', own, 'spec').reason).toBe('redirect_url_has_credentials');
    expect(lead('https://u:p@app.example.com/', own, 'spec').verdict).toBe('allowed');
    expect(lead('https://u:p@b.example/', metadata('cross-site', 'no-cors')).verdict).toBe('blocked');
  });

  test('a navigation may follow it, and what may be one is undecided', () => {
    expect(lead('https://u:p@b.example/', metadata('cross-site', 'navigate')).verdict).toBe('allowed');
    expect(lead('https://u:p@b.example/', [])).toMatchObject({
      kind: 'no_cors',
      verdict: 'unknown',
      reason: 'kind_ambiguous',
    });
  });
});
