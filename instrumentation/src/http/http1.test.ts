import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { createServer, request, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { ask, crossOrigin, listen } from '../../../test/support/ask.ts';
import { observeServers } from '../../../test/support/recorded.ts';
import { CERT, KEY } from '../../../test/support/tls.ts';

test('headers given only to writeHead are seen, whatever was set before', async () => {
  const observations = observeServers();
  const url = await listen(
    createServer((_request, response) => {
      response.setHeader('Access-Control-Allow-Origin', 'https://overwritten.example');
      response.writeHead(200, 'fine', { 'Access-Control-Allow-Origin': '*', Vary: 'Accept, Origin' });
      response.end();
    }),
  );

  await ask(url, { headers: crossOrigin() });

  expect(observations[0]?.decision).toMatchObject({ allowOrigin: 'wildcard', varyOrigin: true });
});

test('a header that is sent twice is seen twice', async () => {
  const observations = observeServers();
  const url = await listen(
    createServer((_request, response) => {
      response.setHeader('access-control-allow-origin', ['https://shop.example', 'https://shop.example']);
      response.end();
    }),
  );

  await ask(url, { headers: crossOrigin() });

  expect(observations[0]?.decision.reason).toBe('acao_multiple');
});

test('an event stream is decided while it is open, an aborted response once', async () => {
  const observations = observeServers();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
  });
  const url = await listen(server);

  const client = request(url, { headers: crossOrigin() }).end();
  await new Promise((resolve) => client.on('response', resolve));
  expect(observations).toHaveLength(1);

  client.destroy();
  await vi.waitUntil(async () => (await connections(server)) === 0);
  expect(observations).toHaveLength(1);
});

test('a response to a client that has disconnected is not a decision', async () => {
  const observations = observeServers();
  const answered = vi.fn();
  const url = await listen(
    createServer((_request, response) => {
      response.on('close', () => {
        response.writeHead(200).end();
        answered();
      });
      client.destroy();
    }),
  );

  const client = request(url, { headers: crossOrigin() }).end();
  client.on('error', () => {});
  await vi.waitUntil(() => answered.mock.calls.length > 0);

  expect(observations).toHaveLength(0);
});

test("a framework that bypasses the instance's writeHead is still observed", async () => {
  const observations = observeServers();
  const url = await listen(
    createServer((_request, response) => {
      ServerResponse.prototype.writeHead.call(response, 403, { 'access-control-allow-origin': '*' });
      response.end();
    }),
  );

  await ask(url, { headers: crossOrigin() });

  expect(observations.map(({ statusCode }) => statusCode)).toEqual([403]);
});

test('without an Origin the response is left untouched', async () => {
  const observations = observeServers();
  const ownWriteHead: boolean[] = [];
  const url = await listen(
    createServer((_request, response) => {
      ownWriteHead.push(Object.hasOwn(response, 'writeHead'));
      response.end();
    }),
  );

  await ask(url);
  await ask(url, { headers: crossOrigin() });

  expect(ownWriteHead).toEqual([false, true]);
  expect(observations).toHaveLength(1);
});

test('an HTTPS server is its own origin with the scheme https', async () => {
  const observations = observeServers();
  const server = createSecureServer({ cert: CERT, key: KEY }, (_request, response) => void response.end());
  const url = await listen(server, 'https');

  for (const origin of [url, url.replace('https:', 'http:')]) {
    await ask(url, { method: 'POST', headers: { origin, 'content-type': 'application/json' } });
  }

  expect(observations.map(({ decision }) => decision.origin)).toEqual([url.replace('https:', 'http:')]);
});

test('requests that are not CORS are not reported: same-origin, no-cors, navigation', async () => {
  const observations = observeServers();
  const url = await listen(createServer((_request, response) => void response.end()));

  for (const headers of [
    { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site' },
  ]) {
    await ask(url, { method: 'POST', headers: { origin: 'https://shop.example', ...headers } });
  }

  expect(observations).toEqual([]);
});

test.each([
  ['before', 0],
  ['after', 1],
])('a pipelined response written %s one that closes the connection is not counted', async (_when, first) => {
  const observations = observeServers();
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    waiting.push(response);
    if (waiting.length < 2) return;
    const [one, two] = waiting as [ServerResponse, ServerResponse];
    const answerOne = () => one.writeHead(201, { connection: 'close' }).end();
    const answerTwo = () => two.writeHead(202).end();
    if (first === 0) {
      answerTwo();
      answerOne();
    } else {
      one.on('close', answerTwo);
      answerOne();
    }
  });
  const answer = await pipeline(await listen(server), 2);

  expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 201']);
  expect(observations.map(({ statusCode }) => statusCode)).toEqual([201]);
});

test('pipelined responses are counted when they are sent, each in its own context', async () => {
  const storage = new AsyncLocalStorage<string>();
  const contexts: (string | undefined)[] = [];
  const observations = observeServers({
    route: () => {
      contexts.push(storage.getStore());
      return undefined;
    },
  });
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    storage.run(request.url ?? '', () => {
      const write = () => response.writeHead(200, { 'content-length': 0 }).end();
      waiting.unshift(AsyncResource.bind(write));
      if (waiting.length === 3) for (const answer of waiting) answer();
    });
  });
  const answering = pipeline(await listen(server), 3);
  await vi.waitUntil(() => observations.length === 3);
  server.closeAllConnections();
  await answering;

  expect(contexts).toEqual(['/0', '/1', '/2']);
});

/** Sends requests without waiting for their responses; resolves with everything that was sent back. */
async function pipeline(url: string, count: number): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  for (let i = 0; i < count; i++) {
    socket.write(`GET /${i} HTTP/1.1\r\nHost: ${hostname}\r\nOrigin: https://shop.example\r\n\r\n`);
  }
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

function connections(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
