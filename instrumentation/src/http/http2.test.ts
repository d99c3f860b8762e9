import {
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  createServer,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { crossOrigin, listen, preflight } from '../../../test/support/ask.ts';
import { observeServers } from '../../../test/support/recorded.ts';
import { CERT, KEY } from '../../../test/support/tls.ts';

test('streams are judged by the headers as sent, in any case and repeated', async () => {
  const observations = observeServers();
  const { url } = await serveStreams((stream, headers) => {
    if (headers[':path'] === '/orders')
      stream.respond(['access-control-allow-origin', '*', 'access-control-allow-origin', '*']);
    else stream.respond({ 'Access-Control-Allow-Origin': '*' });
    stream.end();
  });

  await ended(open(url, { ':path': '/once?token=secret', ...crossOrigin() }));
  await ended(open(url, { ':path': '/orders', ...crossOrigin() }));
  await ended(open(url, { ':path': '/none' }));

  expect(observations.map(({ decision }) => decision.allowOrigin)).toEqual(['wildcard', 'other']);
  expect(observations[1]).toMatchObject({
    method: 'GET',
    statusCode: 200,
    serverAddress: '127.0.0.1',
    path: '/orders',
    clientBit: expect.any(Number),
    decision: { reason: 'acao_multiple' },
  });
});

test('an open stream is decided before it ends, and once', async () => {
  const observations = observeServers();
  const closed = vi.fn();
  const { url } = await serveStreams((stream) => {
    stream.on('close', closed);
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    stream.write(': hello\n\n');
  });

  const stream = open(url, crossOrigin());
  await new Promise((resolve) => stream.once('response', resolve));
  expect(observations).toHaveLength(1);

  stream.destroy();
  await vi.waitUntil(() => closed.mock.calls.length > 0);
  expect(observations).toHaveLength(1);
});

test('files are seen too', async () => {
  const observations = observeServers();
  const { url } = await serveStreams((stream) => {
    stream.respondWithFile(fileURLToPath(import.meta.url), { 'access-control-allow-origin': 'null' });
  });

  await ended(open(url, crossOrigin()));
  await vi.waitUntil(() => observations.length > 0);

  expect(observations.map(({ decision }) => decision.reason)).toEqual(['acao_mismatch']);
});

test('the compatibility API is seen as well, with TLS and the host of :authority', async () => {
  const observations = observeServers();
  const server = createSecureServer({ cert: CERT, key: KEY }, (request, response) => {
    response.writeHead(request.method === 'OPTIONS' ? 204 : 200, { 'access-control-allow-methods': 'GET' });
    response.end();
  });
  const url = await listen(server, 'https');
  const { method, headers } = preflight('DELETE');

  await ended(open(url, { ':method': method, ...headers }));
  await ended(open(url, { ':method': 'POST', origin: url, 'content-type': 'application/json' }));

  expect(observations.map(({ decision }) => [decision.kind, decision.reason])).toEqual([
    ['preflight', 'acao_missing'],
  ]);
});

async function serveStreams(
  answer: (stream: ServerHttp2Stream, headers: OutgoingHttpHeaders) => void,
): Promise<{ url: string }> {
  const server = createServer();
  server.on('stream', answer);
  return { url: await listen(server) };
}

function open(url: string, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  const session = connect(url, { rejectUnauthorized: false });
  onTestFinished(() => session.destroy());
  return session.request(headers);
}

function ended(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('error', reject).on('end', resolve).resume();
  });
}
