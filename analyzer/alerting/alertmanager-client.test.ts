import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../../test/support/alertmanager.ts';
import { until } from '../../test/support/until.ts';
import type { AlertmanagerAlert } from './alertmanager-alert.ts';
import { type AlertmanagerClient, createAlertmanagerClient } from './alertmanager-client.ts';

const alert = (incident: string): AlertmanagerAlert => ({
  labels: { alertname: 'OriginscopeBreakage', incident },
  annotations: {},
  startsAt: '2026-11-28T02:14:00.000Z',
  endsAt: '2026-11-28T02:18:00.000Z',
});

function client(
  url: string,
  options: { authorization?: string; timeoutMillis?: number } = {},
): AlertmanagerClient {
  const created = createAlertmanagerClient({
    url,
    log: pino({ level: 'silent' }),
    retryMillis: [1],
    timeoutMillis: 5_000,
    ...options,
  });
  onTestFinished(() => created.close());
  return created;
}

/** A server that answers the first connections with these bytes, and later ones as Alertmanager does. */
async function startNonsense(...answers: ((socket: Socket) => void)[]): Promise<string> {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const answer = answers[connections++];
    socket.once('data', () => {
      if (answer !== undefined) answer(socket);
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('alerts go to the API below the base URL, with the Authorization header that was given', async () => {
  const receiver = await startReceiver();
  await client(`${receiver.url}/prefix/`, { authorization: 'Bearer abc' }).send([alert('a')]);
  expect(receiver.requests).toEqual([
    expect.objectContaining({
      path: '/prefix/api/v2/alerts',
      body: JSON.stringify([alert('a')]),
      headers: expect.objectContaining({ authorization: 'Bearer abc', 'content-type': 'application/json' }),
    }),
  ]);
});

test.each([500, 503, 429, 408])('status %i is tried again', async (status) => {
  const receiver = await startReceiver((request) => (request < 3 ? status : 200));
  const sender = client(receiver.url);
  await sender.send([alert('a')]);
  expect(sender.counters).toEqual({ sent: 1, failed: 2 });
  expect(sender.isFailing()).toBe(false);
});

test.each([400, 401, 404, 307])(
  'status %i is not tried again, and fails until an answer is better',
  async (status) => {
    const receiver = await startReceiver((request) => (request < 2 ? status : 200));
    const sender = client(receiver.url);
    await sender.send([alert('a')]);
    expect(sender.counters).toEqual({ sent: 0, failed: 1 });
    expect(sender.isFailing()).toBe(true);
    await sender.send([alert('a')]);
    expect(sender.isFailing()).toBe(false);
  },
);

test('nonsense is tried again: no HTTP, a connection that is cut, an HTML page, an answer without end', async () => {
  const url = await startNonsense(
    (socket) => socket.end('\u0000\u0001 hello \r\n\r\n'),
    (socket) => socket.destroy(),
    (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 7\r\n\r\nsign in'),
    (socket) => {
      socket.write('HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n');
      const flood = setInterval(() => socket.write(`2000\r\n${'x'.repeat(0x2000)}\r\n`), 1);
      socket.once('close', () => clearInterval(flood));
    },
  );
  // Longer than the test may take: the answer without end must be left alone.
  const sender = client(url, { timeoutMillis: 600_000 });
  await sender.send([alert('a')]);
  expect(sender.counters).toEqual({ sent: 1, failed: 4 });
});

test('a server that never answers holds nobody up for longer than the timeout', async () => {
  const url = await startNonsense(() => undefined);
  const sender = client(url, { timeoutMillis: 20 });
  await sender.send([alert('a')]);
  expect(sender.counters).toEqual({ sent: 1, failed: 1 });
});

test('newer alerts replace those that are still tried', async () => {
  const receiver = await startReceiver((_, body) => (body.includes('old') ? 503 : 200));
  const sender = client(receiver.url);
  const older = sender.send([alert('old')]);
  await until(() => receiver.requests.length > 2);
  await sender.send([alert('new')]);
  await older;
  expect(receiver.requests.at(-1)?.body).toContain('new');
  expect(sender.counters.sent).toBe(1);
});

test('a redirect is not followed: what is sent is for this address alone', async () => {
  const other = await startReceiver();
  const url = await startNonsense((socket) =>
    socket.end(`HTTP/1.1 307 Elsewhere\r\nlocation: ${other.url}/\r\ncontent-length: 0\r\n\r\n`),
  );
  await client(url, { authorization: 'Bearer abc' }).send([alert('a')]);
  expect(other.requests).toEqual([]);
});

test('many alerts are sent in several requests, and one that is rejected does not stop the others', async () => {
  const receiver = await startReceiver((request) => (request === 1 ? 400 : 200));
  const sender = client(receiver.url);
  await sender.send(Array.from({ length: 150 }, (_, index) => alert(String(index))));
  expect(receiver.requests.map(({ body }) => JSON.parse(body).length)).toEqual([64, 64, 22]);
  expect(sender.counters).toEqual({ sent: 86, failed: 64 });
  expect(sender.isFailing()).toBe(true);
});

test('closing ends the attempts', async () => {
  const receiver = await startReceiver(() => 503);
  const sender = client(receiver.url);
  const sending = sender.send([alert('a')]);
  await until(() => receiver.requests.length > 0);
  await sender.close();
  await sending;
  expect(sender.counters.sent).toBe(0);
});
