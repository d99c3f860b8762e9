import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Exchange, HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Answer, BrowserCase, Hop, Page } from './browser-case.ts';

/** Hosts of each kind of page: its own, the API's, and one more for redirects. */
const HOSTS: Record<Page, Record<Hop['host'], string>> = {
  plain: { page: 'a.localhost', api: 'b.localhost', third: 'c.localhost' },
  sandboxed: { page: 'a.localhost', api: 'b.localhost', third: 'c.localhost' },
  // Chromium regards every localhost as secure; these are mapped to it by a flag.
  insecure: { page: 'page.test', api: 'api.test', third: 'third.test' },
};

/** Pass to the browser: the insecure hosts are this machine, too. */
export const RESOLVER_FLAG = '--host-resolver-rules=MAP *.test 127.0.0.1';

export interface Answerer {
  pageUrl(page: Page): string;
  /** Where a page's cookie for the API is set. */
  cookieUrl(): string;
  /** Serves a page of the plain kind that runs a script. @returns its URL */
  scriptedUrl(script: string): string;
  /** Registers a case. @returns the URL to fetch */
  prepare(id: number, browserCase: BrowserCase): string;
  /** Returns and forgets what was seen of a case, in wire order. */
  take(id: number): readonly Exchange[];
  close(): Promise<void>;
}

interface Prepared {
  readonly browserCase: BrowserCase;
  readonly exchanges: Exchange[];
  isStored: boolean;
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
}

/** A server that sends exactly scripted bytes: no HTTP library would send the mistakes of real servers. */
export async function startAnswerer(): Promise<Answerer> {
  const prepared = new Map<number, Prepared>();
  const sockets = new Set<Socket>();
  let script = '';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    onRequests(socket, (request) => {
      const answer = answerTo(request);
      socket.write(render(answer.status, answer.headers, answer.body), 'latin1');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  const { port } = address;
  const originOf = (page: Page, host: Hop['host']) => `http://${HOSTS[page][host]}:${port}`;
  const urlOf = (id: number, hop: number, { page, cookie, hops }: BrowserCase) =>
    `${originOf(page, hops[hop]?.host ?? 'api')}/${cookie ? 'with-cookie/' : ''}case/${id}/${hop}`;

  function answerTo(request: Request): Answer & { body: string } {
    const [, id, hop] = /\/case\/(\d+)\/(\d+)$/.exec(request.url) ?? [];
    if (id === undefined || hop === undefined) return serveFixedPage(request.url, script);
    const known = prepared.get(Number(id));
    if (known === undefined) throw new Error(`no case ${id}`);
    const answer = fill(choose(known, Number(hop), request), known.browserCase, Number(id), Number(hop));
    if (known.isStored) known.exchanges.push({ request, response: answer });
    else if (request.method !== 'OPTIONS') known.isStored = true;
    return { ...answer, body: 'x' };
  }

  function fill(answer: Answer, browserCase: BrowserCase, id: number, hop: number): Answer {
    const page = browserCase.page === 'sandboxed' ? 'null' : originOf(browserCase.page, 'page');
    const next = hop + 1 < browserCase.hops.length ? urlOf(id, hop + 1, browserCase) : '/nowhere';
    return {
      status: answer.status,
      headers: answer.headers.map(([name, value]) => [
        name,
        value.replaceAll('{page}', page).replaceAll('{next}', next).replaceAll('{next-host}', next.slice(7)),
      ]),
    };
  }

  return {
    pageUrl: (page) => `${originOf(page, 'page')}/${page}`,
    scriptedUrl(text) {
      script = text;
      return `${originOf('plain', 'page')}/scripted`;
    },
    cookieUrl: () => `${originOf('plain', 'api')}/set-cookie`,
    prepare(id, browserCase) {
      prepared.set(id, { browserCase, exchanges: [], isStored: browserCase.stored === undefined });
      return urlOf(id, 0, browserCase);
    },
    take(id) {
      const { exchanges } = prepared.get(id) ?? { exchanges: [] };
      prepared.delete(id);
      return exchanges;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function choose({ browserCase, isStored }: Prepared, hop: number, request: Request): Answer {
  const { preflight, actual } = browserCase.hops[hop] ?? browserCase.hops[0];
  const isPreflight = request.headers.some(
    ([name]) => name.toLowerCase() === 'access-control-request-method',
  );
  if (isPreflight) return preflight;
  return isStored ? actual : (browserCase.stored ?? actual);
}

function serveFixedPage(url: string, script: string): Answer & { body: string } {
  const headers: [string, string][] = [['Content-Type', 'text/html']];
  if (url === '/sandboxed') headers.push(['Content-Security-Policy', 'sandbox allow-scripts']);
  // Secure, because SameSite=None demands it; localhost counts as secure.
  if (url === '/set-cookie') headers.push(['Set-Cookie', 'c=1; Path=/with-cookie/; SameSite=None; Secure']);
  const scripts = url === '/scripted' ? `<script type="module">${script}</script>` : '';
  return { status: 200, headers, body: `<!doctype html><link rel="icon" href="data:,">${scripts}` };
}

/** Splits a connection's bytes into requests; bodies come with a Content-Length. */
function onRequests(socket: Socket, handle: (request: Request) => void): void {
  let pending = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    pending += String(chunk);
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end === -1) return;
      const [start = '', ...lines] = pending.slice(0, end).split('\r\n');
      const headers = lines.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? '0';
      const next = end + 4 + Number(length);
      if (pending.length < next) return;
      pending = pending.slice(next);
      const [method = '', url = ''] = start.split(' ');
      handle({ method, url, headers });
    }
  });
}

function render(status: number, headers: HeaderList, body: string): string {
  const hasBody = status !== 204 && status !== 304;
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const length = hasBody ? `Content-Length: ${body.length}\r\n` : '';
  return `HTTP/1.1 ${status} Answer\r\n${lines}${length}\r\n${hasBody ? body : ''}`;
}
