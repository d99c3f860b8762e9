import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { BROWSERS, type Browser } from '../browsers.ts';
import type { PageRequest, WireRequest } from './page-request.ts';
import { probe } from './probe.ts';
import { probeBrowsers } from './probe-browsers.ts';
import { send } from './send.ts';

const PAGE = 'https://app.example';
const API = 'https://api.other.example/orders';
const GET: PageRequest = { origin: PAGE, url: API, method: 'GET', headers: [], credentials: false };
const ALLOW_PAGE = ['Access-Control-Allow-Origin', PAGE] as const;

/** Probes a server that returns these responses in turn, and records its requests. */
async function probing(
  page: PageRequest,
  answers: readonly [status: number, ...headers: HeaderList][],
  sendUnsafe = false,
  browser: Browser = 'chrome',
) {
  const asked: WireRequest[] = [];
  const probed = await probe(page, {
    browser,
    sendUnsafe,
    async send(request) {
      const [status, ...headers] = answers[asked.push(request) - 1] ?? [500];
      return { status, headers };
    },
  });
  const lines = asked.map(({ method, url }) => `${method} ${url}`);
  const header = (index: number, name: string) => asked[index]?.headers.find(([one]) => one === name)?.[1];
  return { ...probed, lines, header, verdict: probed.explanation.verdict, reason: probed.explanation.reason };
}

describe('a probe sends what a browser would:', () => {
  test('a simple request at once, with Origin and fetch metadata', async () => {
    const { lines, header, verdict } = await probing(GET, [[200, ALLOW_PAGE]]);
    expect(lines).toEqual([`GET ${API}`]);
    expect(header(0, 'Origin')).toBe(PAGE);
    expect(header(0, 'Sec-Fetch-Site')).toBe('cross-site');
    expect(verdict).toBe('allowed');
  });

  test('a preflight before a non-simple request, with sorted unsafe header names, without values and cookies', async () => {
    const headers: HeaderList = [
      ['X-B', '1'],
      ['Accept', 'text/plain'],
      ['X-A', '2'],
      ['Cookie', 'a=1'],
    ];
    const { lines, header } = await probing({ ...GET, headers, credentials: true }, [
      [
        204,
        ALLOW_PAGE,
        ['Access-Control-Allow-Headers', 'x-a, x-b'],
        ['Access-Control-Allow-Credentials', 'true'],
      ],
      [200, ALLOW_PAGE, ['Access-Control-Allow-Credentials', 'true']],
    ]);
    expect(lines).toEqual([`OPTIONS ${API}`, `GET ${API}`]);
    expect(header(0, 'Access-Control-Request-Headers')).toBe('x-a,x-b');
    expect(header(0, 'Cookie')).toBeUndefined();
    expect(header(1, 'Cookie')).toBe('a=1');
    expect(header(1, 'X-A')).toBe('2');
  });

  test('nothing after a blocked preflight', async () => {
    const { lines, reason } = await probing({ ...GET, method: 'PUT' }, [[204, ALLOW_PAGE]], true);
    expect(lines).toEqual([`OPTIONS ${API}`]);
    expect(reason).toBe('method_not_allowed');
  });

  test('no unsafe methods, unless told', async () => {
    const put = { ...GET, method: 'PUT' };
    const grant = [204, ALLOW_PAGE, ['Access-Control-Allow-Methods', 'PUT']] as [number, ...HeaderList];
    expect(await probing(put, [grant])).toMatchObject({
      isHeldBack: true,
      // Its own response would decide.
      verdict: 'unknown',
      lines: [`OPTIONS ${API}`],
    });
    expect(await probing({ ...GET, method: 'POST' }, [])).toMatchObject({ isHeldBack: true, lines: [] });
    expect(await probing(put, [grant, [200, ALLOW_PAGE]], true)).toMatchObject({
      isHeldBack: false,
      verdict: 'allowed',
    });
  });

  test('no CORS to the own origin, until a redirect leaves it', async () => {
    const { lines, header, reason } = await probing({ ...GET, url: `${PAGE}/old` }, [
      [302, ['Location', API]],
      [200],
    ]);
    expect(lines).toEqual([`GET ${PAGE}/old`, `GET ${API}`]);
    expect([header(0, 'Origin'), header(0, 'Sec-Fetch-Site'), header(1, 'Origin')]).toEqual([
      undefined,
      'same-origin',
      PAGE,
    ]);
    expect(reason).toBe('acao_missing');
  });

  test('each redirect, with Origin null and no Authorization once it left a foreign origin', async () => {
    const third = 'https://third.example/x';
    const { lines, header, reason } = await probing({ ...GET, headers: [['Authorization', 'Bearer x']] }, [
      [204, ALLOW_PAGE, ['Access-Control-Allow-Headers', 'authorization']],
      [307, ALLOW_PAGE, ['Location', third]],
      [200, ALLOW_PAGE],
    ]);
    expect(lines).toEqual([`OPTIONS ${API}`, `GET ${API}`, `GET ${third}`]);
    expect([header(2, 'Origin'), header(2, 'Authorization')]).toEqual(['null', undefined]);
    expect(reason).toBe('acao_mismatch');
  });

  test('no redirect that a browser blocks, and no more than it follows', async () => {
    const password = await probing(GET, [[302, ALLOW_PAGE, ['Location', 'https://u:p@third.example/']]]);
    expect(password).toMatchObject({ reason: 'redirect_url_has_credentials', lines: [`GET ${API}`] });
    const loop = await probing(GET, Array(30).fill([302, ALLOW_PAGE, ['Location', API]]));
    expect(loop.lines).toHaveLength(21);
    expect(loop.failure?.message).toContain('redirected');
  });

  test('no metadata to an insecure host, but still as a script', async () => {
    const { header, reason } = await probing(
      { ...GET, url: 'http://api.example/', method: 'POST' },
      [[200]],
      true,
    );
    expect(header(0, 'Sec-Fetch-Mode')).toBeUndefined();
    expect(reason).toBe('acao_missing');
  });
});

describe('each browser sends its own requests:', () => {
  const ANY = ['Access-Control-Allow-Origin', '*'] as const;
  const PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
  const answers: [number, ...HeaderList][] = [
    [204, ANY, PUT],
    [303, ANY, ['Location', '/done']],
  ];

  test('after a redirect, Firefox and Safari send another preflight', async () => {
    const put = { ...GET, method: 'PUT' };
    const chrome = await probing(put, [...answers, [200, ANY]], true, 'chrome');
    expect(chrome.lines).toEqual([`OPTIONS ${API}`, `PUT ${API}`, 'GET https://api.other.example/done']);
    for (const browser of ['firefox', 'safari'] as const) {
      const other = await probing(put, [...answers, [404]], true, browser);
      expect(other.lines.at(-1)).toBe('OPTIONS https://api.other.example/done');
      expect(other.reason).toBe('acao_missing');
    }
  });

  test('a client hint needs no preflight in Chrome', async () => {
    const hint: PageRequest = { ...GET, headers: [['DPR', '2']] };
    expect((await probing(hint, [[200, ANY]], false, 'chrome')).lines).toEqual([`GET ${API}`]);
    expect((await probing(hint, [[404]], false, 'firefox')).lines).toEqual([`OPTIONS ${API}`]);
  });

  test('what all of them send is sent once, and where they differ is said', async () => {
    const asked: string[] = [];
    const probed = await probeBrowsers(
      BROWSERS,
      { ...GET, method: 'PUT' },
      {
        sendUnsafe: true,
        async send({ method, url }) {
          asked.push(`${method} ${url}`);
          if (url.endsWith('/done')) return { status: method === 'OPTIONS' ? 404 : 200, headers: [ANY] };
          const [status, ...headers] = answers[method === 'OPTIONS' ? 0 : 1] ?? [500];
          return { status, headers };
        },
      },
    );
    expect(asked.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
    // Firefox sends it with the page's Origin.
    expect(asked.filter((line) => line.startsWith('OPTIONS'))).toHaveLength(2);
    expect(probed.explanation).toMatchObject({
      browser: 'firefox',
      verdict: 'blocked',
      reason: 'preflight_status_not_ok',
      differences: [{ browser: 'chrome', verdict: 'allowed' }],
      behaviours: ['preflight_after_redirect'],
    });
  });
});

describe('over the wire', () => {
  const closing: (() => void)[] = [];
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  const serve = async (server: ReturnType<typeof createTcpServer>) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    return `http://api.localhost:${(server.address() as AddressInfo).port}/`;
  };
  const http = (listener: RequestListener) => serve(createServer(listener));
  const options = { timeoutMillis: 5_000, userAgent: 'test' };

  test('repeated response headers stay separate, and methods keep their case', async () => {
    const url = await serve(
      createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', (data) => {
          socket.end(`HTTP/1.1 200 OK\r\nX-Asked: ${String(data).split(' ')[0]}\r\nA: 1\r\nA: 2\r\n\r\n`);
        });
      }),
    );
    const { headers } = await send({ method: 'patch', url, headers: [] }, options);
    expect(headers).toEqual([
      ['X-Asked', 'patch'],
      ['A', '1'],
      ['A', '2'],
    ]);
  });

  test('a probe does not wait for an endless body', async () => {
    const url = await http((_, response) => void response.writeHead(200, { a: '1' }).write('…'));
    expect((await send({ method: 'GET', url, headers: [] }, options)).status).toBe(200);
  });

  test('an unreachable or unresponsive server is reported with what to do', async () => {
    const silent = await http(() => {});
    const asking = { method: 'GET', url: silent, headers: [] };
    await expect(send(asking, { ...options, timeoutMillis: 1 })).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('did not answer'),
    });
    await expect(
      send({ ...asking, url: silent.replace('http:', 'https:') }, { ...options, timeoutMillis: 300 }),
    ).rejects.toMatchObject({ code: 'PROBE_FAILED' });
    await expect(send({ ...asking, url: 'http://api.localhost:1/' }, options)).rejects.toMatchObject({
      message: 'The probe got no answer: nothing listens at api.localhost:1',
      retryable: true,
    });
  });
});
