import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import Fastify from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listen } from '../test/support/ask.ts';
import { answerClientError, limitConnections } from './connections.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: localhost\r\n';

/** A server with room for two connections; it answers what is posted to it when it is told to. */
async function start() {
  const asked: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/now') response.end();
    else asked.push(response);
  });
  const closed = vi.fn();
  limitConnections(server, { most: 2, closed });
  const port = Number(new URL(await listen(server)).port);
  const open = async (text: string): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
      .on('error', () => {})
      .resume();
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  return { asked, closed, open };
}

const GET = 'GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('one too many closes the connection that has waited for its sender for longest', async () => {
  const { closed, open } = await start();
  const silent = await open('');
  const half = await open(`${HEAD}Content-Length: 9\r\n\r\nabc`);
  const [answer] = (await once(await open(GET), 'data')) as [Buffer];
  expect(answer.toString()).toContain('200 OK');
  await expect.poll(() => silent.closed).toBe(true);
  expect(half.destroyed).toBe(false);
  await once(await open(GET), 'data');
  await expect.poll(() => half.closed).toBe(true);
  expect(closed).toHaveBeenCalledTimes(2);
});

test('one that is used is younger than one that is not', async () => {
  const { open } = await start();
  const used = await open(GET);
  await once(used, 'data');
  const idle = await open('');
  used.write(GET);
  await once(used, 'data');
  await once(await open(GET), 'data');
  await expect.poll(() => idle.closed).toBe(true);
  expect(used.destroyed).toBe(false);
});

test('one whose request is being answered stays', async () => {
  const { asked, open } = await start();
  const waiting = await open(`${HEAD}Content-Length: 3\r\n\r\nabc`);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const idle = await open('');
  await once(await open(GET), 'data');
  await expect.poll(() => idle.closed).toBe(true);
  asked[0]?.end('done');
  const [answer] = (await once(waiting, 'data')) as [Buffer];
  expect(answer.toString()).toContain('done');
});

test.each([
  [
    'a request that does not arrive in time: exporters retry 503, and drop what they sent after 408',
    HEAD,
    '503',
  ],
  ['a malformed request', 'no HTTP\r\n\r\n', '400'],
  ['too many headers', `${HEAD}X: ${'x'.repeat(20_000)}\r\n`, '431'],
])('%s is answered, and its connection closed', async (_, text, status) => {
  const server = Fastify({
    clientErrorHandler: answerClientError,
    requestTimeout: 60,
    http: { headersTimeout: 50, connectionsCheckingInterval: 20 },
  });
  onTestFinished(() => server.close());
  const port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString();
  });
  socket.write(text);
  await once(socket, 'close');
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.includes('Retry-After: 1')).toBe(status === '503');
});
