import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Browser, CHROMIUM, type FetchCall, FIREFOX } from './browser.ts';
import { Ledger } from './ledger.ts';

const PAGE = 'https://shop.example';

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server that responds as told and records its requests. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ origin: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    received.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    answer(request, response);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { origin: `http://api.localhost:${(server.address() as AddressInfo).port}`, received };
}

function call(origin: string, given: Partial<FetchCall> = {}): FetchCall {
  return {
    url: new URL('/things', origin),
    mode: 'cors',
    method: 'GET',
    headers: {},
    credentials: 'same-origin',
    ...given,
  };
}

function open(product = CHROMIUM, now = () => 0): { browser: Browser; ledger: Ledger } {
  const ledger = new Ledger();
  return { browser: new Browser(product, ledger, now), ledger };
}

const allowEverything = (request: IncomingMessage, response: ServerResponse): void => {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('access-control-allow-methods', 'PUT');
  response.setHeader('access-control-allow-headers', 'x-key');
  response.setHeader('access-control-max-age', '60');
};

test('a blocked preflight ends the call', async () => {
  const { origin, received } = await serve(() => undefined);
  const { browser, ledger } = open();
  expect(await browser.fetch(PAGE, call(origin, { method: 'PUT' }))).toBeNull();
  expect(received.map(({ method }) => method)).toEqual(['OPTIONS']);
  expect(ledger.rows()).toMatchObject([{ kind: 'preflight', verdict: 'blocked', reason: 'acao_missing' }]);
});

test('a successful preflight is cached for its URL, origin and credentials, until it expires', async () => {
  const { origin, received } = await serve(allowEverything);
  let now = 0;
  const { browser } = open(CHROMIUM, () => now);
  const put = call(origin, { method: 'PUT', headers: { 'X-Key': 'k' } });
  const methodsOf = async (page: string, made: FetchCall): Promise<string[]> => {
    received.length = 0;
    await browser.fetch(page, made);
    return received.map(({ method }) => method);
  };
  expect(await methodsOf(PAGE, put)).toEqual(['OPTIONS', 'PUT']);
  expect(await methodsOf(PAGE, put)).toEqual(['PUT']);
  expect(await methodsOf('https://www.shop.example', put)).toEqual(['OPTIONS', 'PUT']);
  expect(await methodsOf(PAGE, { ...put, credentials: 'include' })).toEqual(['OPTIONS', 'PUT']);
  expect(await methodsOf(PAGE, { ...put, url: new URL('/others', origin) })).toEqual(['OPTIONS', 'PUT']);
  expect(await methodsOf(PAGE, { ...put, method: 'DELETE' })).toEqual(['OPTIONS']);
  now = 60_000;
  expect(await methodsOf(PAGE, put)).toEqual(['OPTIONS', 'PUT']);
});

test('a preflight requests method and unsafe headers, and has no credentials', async () => {
  const { origin, received } = await serve((request, response) => {
    allowEverything(request, response);
    response.setHeader('set-cookie', 'session=1; Path=/');
  });
  const { browser } = open();
  await browser.fetch(PAGE, call(origin, { credentials: 'include' }));
  await browser.fetch(
    PAGE,
    call(origin, { method: 'PUT', headers: { 'X-Key': 'k' }, credentials: 'include' }),
  );
  expect(received[1]?.headers).toMatchObject({
    origin: PAGE,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'x-key',
    'sec-fetch-mode': 'cors',
    'sec-fetch-site': 'cross-site',
  });
  expect(received[1]?.headers.cookie).toBeUndefined();
  expect(received[2]?.headers.cookie).toBe('session=1');
});

test('only Chromium shows credentials without a cookie', async () => {
  const { origin, received } = await serve(allowEverything);
  for (const product of [CHROMIUM, FIREFOX]) {
    await open(product).browser.fetch(PAGE, call(origin, { credentials: 'include' }));
  }
  await open(CHROMIUM).browser.fetch(PAGE, call(origin));
  expect(received.map(({ headers }) => headers['sec-fetch-storage-access'])).toEqual([
    'active',
    undefined,
    undefined,
  ]);
});

test('requests that are not CORS are not in the ledger', async () => {
  const { origin, received } = await serve(allowEverything);
  const { browser, ledger } = open();
  await browser.fetch(origin, call(origin, { method: 'POST', body: '{}' }));
  await browser.fetch('http://page.localhost:1', call(origin, { mode: 'no-cors', method: 'POST' }));
  await browser.navigate(PAGE, call(origin, { method: 'POST' }));
  expect(await browser.fetch(PAGE, call(origin, { mode: 'same-origin' }))).toBeNull();
  expect(ledger.exchanges).toBe(0);
  expect(
    received.map(({ headers }) => [
      headers['sec-fetch-site'],
      headers['sec-fetch-mode'],
      headers.origin?.replace(/:\d+$/, ''),
    ]),
  ).toEqual([
    ['same-origin', 'cors', 'http://api.localhost'],
    ['cross-site', 'no-cors', 'http://page.localhost'],
    // An https page does not reveal its origin to an http server.
    ['cross-site', 'navigate', 'null'],
  ]);
});

test('a redirect is followed and checked at every hop, and another origin in between taints it', async () => {
  const other = await serve(allowEverything);
  const { origin, received } = await serve((request, response) => {
    allowEverything(request, response);
    if (request.url !== '/there')
      response.writeHead(302, { location: request.url === '/things' ? '/there' : `${other.origin}/` });
  });
  const { browser, ledger } = open();
  expect((await browser.fetch(PAGE, call(origin)))?.status).toBe(200);
  expect(received.map(({ path }) => path)).toEqual(['/things', '/there']);
  await browser.fetch(PAGE, call(origin, { url: new URL('/away', origin) }));
  expect(other.received[0]?.headers.origin).toBe('null');
  expect(ledger.exchanges).toBe(4);
});

test('a redirect to a URL with a password is not followed', async () => {
  const { origin, received } = await serve((request, response) => {
    allowEverything(request, response);
    response.writeHead(302, { location: `http://user:secret@api.localhost/` });
  });
  const { browser, ledger } = open();
  expect(await browser.fetch(PAGE, call(origin))).toBeNull();
  expect(received).toHaveLength(1);
  expect(ledger.rows()[0]).toMatchObject({ reason: 'redirect_url_has_credentials' });
});
