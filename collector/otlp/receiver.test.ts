import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs/minimal.js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { ALLOWED, decisionRequest, decisionSpan } from '../../test/support/otlp-bodies.ts';
import { encodeRequest, responseOf, type TraceRequest } from '../../test/support/otlp-schema.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from './receiver.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const TOKEN = 'correct horse battery'.replaceAll(' ', '-');

interface Started extends Receiver {
  readonly url: string;
  readonly written: DecisionSpan[];
}

/** A receiver on a free port that writes its spans to `written`; closed when the test ends. */
async function start(options: Partial<ReceiverOptions> = {}): Promise<Started> {
  const written: DecisionSpan[] = [];
  const receiver = createReceiver({
    host: '127.0.0.1',
    port: 0,
    now: () => NOW,
    ready: () => true,
    write: async ({ spans }) => void written.push(...spans),
    ...options,
  });
  onTestFinished(() => receiver.close());
  return { ...receiver, url: await receiver.listen(), written };
}

const ID = '00f067aa0ba902b7';
const ONE = decisionRequest([decisionSpan(ID, NOW)]);

function post(
  url: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const bytes = typeof body === 'string' ? body : new Uint8Array(body);
  return fetch(`${url}/v1/traces`, {
    method: 'POST',
    body: bytes,
    headers: { 'content-type': PROTOBUF, ...headers },
  });
}
const postJson = (url: string, request: TraceRequest): Promise<Response> =>
  post(url, JSON.stringify(request), { 'content-type': JSON_TYPE });

const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer());

/** Reads a google.rpc.Status from its wire format: int32 code = 1, string message = 2. */
function statusOf(bytes: Uint8Array): { code: number; message: string } {
  const reader = protobuf.Reader.create(bytes);
  const status = { code: 0, message: '' };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 8) status.code = reader.int32();
    else if (tag === 18) status.message = reader.string();
    else reader.skipType(tag & 7);
  }
  return status;
}

const overloaded = (): OriginscopeError => new OriginscopeError('OVERLOADED', { problem: 'No' });

describe('an accepted request', () => {
  test.each(['plain', 'gzip'])('is written and answered in its own encoding (%s)', async (compression) => {
    const { url, written, counters } = await start();
    const pack = (body: Buffer): Buffer => (compression === 'gzip' ? gzipSync(body) : body);
    const headers: Record<string, string> = compression === 'gzip' ? { 'content-encoding': 'gzip' } : {};

    const protobufAnswer = await post(url, pack(encodeRequest(ONE)), headers);
    expect(protobufAnswer.status).toBe(200);
    expect(protobufAnswer.headers.get('content-type')).toBe(PROTOBUF);
    expect(responseOf(await bytesOf(protobufAnswer))).toEqual({});

    const jsonBody = pack(Buffer.from(JSON.stringify(ONE)));
    const jsonAnswer = await post(url, jsonBody, {
      ...headers,
      'content-type': `${JSON_TYPE}; charset=utf-8`,
    });
    expect(jsonAnswer.status).toBe(200);
    expect(jsonAnswer.headers.get('content-type')).toBe(JSON_TYPE);
    expect(await jsonAnswer.json()).toEqual({});

    expect(written).toHaveLength(2);
    expect(written[0]).toEqual(written[1]);
    expect(counters).toMatchObject({ requests: { accepted: 2 }, spans: { accepted: 2 }, heldBytes: 0 });
  });

  test('is answered only after its write', async () => {
    const events: string[] = [];
    const write = vi.fn(async () => {
      events.push('write begins');
      await new Promise(setImmediate);
      events.push('write ends');
    });
    const { url } = await start({ write });
    await post(url, encodeRequest(ONE));
    events.push('answered');
    expect(events).toEqual(['write begins', 'write ends', 'answered']);
  });

  test('reports which spans were rejected and why, and counts all others', async () => {
    const { url, counters, written } = await start();
    const request = decisionRequest([
      decisionSpan(ID, NOW),
      decisionSpan(ID, NOW - 49 * 3_600_000),
      decisionSpan(ID, NOW + 600_000),
      decisionSpan(ID, NOW, { ...ALLOWED, 'cors.verdict': 'maybe' }),
      {},
    ]);
    const answer = await post(url, encodeRequest(request));
    expect(answer.status).toBe(200);
    const { partialSuccess } = responseOf(await bytesOf(answer));
    expect(partialSuccess?.rejectedSpans).toBe('3');
    expect(partialSuccess?.errorMessage).toMatch(/^3 spans were rejected: .*verdict.*older.*ahead/);
    expect(await (await postJson(url, request)).json()).toEqual({ partialSuccess });
    expect(written).toHaveLength(2);
    const rejected = { verdict: 2, too_old: 2, in_future: 2, kind: 0 };
    expect(counters.spans).toMatchObject({ accepted: 2, passedOver: 2, rejected });
  });

  test('may be empty', async () => {
    const { url, written } = await start();
    expect((await post(url, '')).status).toBe(200);
    expect(written).toEqual([]);
  });
});

describe('a bad request', () => {
  test('malformed is 400 with a status in the encoding of the caller', async () => {
    const { url, counters } = await start();
    const answer = await post(url, 'xxx');
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe(PROTOBUF);
    expect(statusOf(await bytesOf(answer))).toEqual({
      code: 3,
      message: expect.stringContaining('not a valid OTLP'),
    });
    const json = await post(url, '{', { 'content-type': JSON_TYPE });
    expect(json.status).toBe(400);
    expect(await json.json()).toEqual({ code: 3, message: expect.stringContaining('not a valid OTLP') });
    expect(counters.requests.malformed).toBe(2);
  });

  test.each(['null', '[]', '"text"', '7'])('JSON that is not an object is 400: %s', async (body) => {
    const { url } = await start();
    expect((await post(url, body, { 'content-type': JSON_TYPE })).status).toBe(400);
  });

  test('with another method than POST is 405, and says so', async () => {
    const { url } = await start();
    for (const path of ['/v1/traces', '/v1/metrics', '/v1/logs']) {
      const answer = await fetch(url + path);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
      expect(await answer.json()).toMatchObject({ message: expect.stringContaining('POST') });
    }
  });

  test('invalid or incomplete gzip is 400', async () => {
    const { url, counters } = await start();
    const gzip = { 'content-encoding': 'gzip' };
    expect((await post(url, 'xxx', gzip)).status).toBe(400);
    expect((await post(url, gzipSync(encodeRequest(ONE)).subarray(0, -9), gzip)).status).toBe(400);
    expect(counters).toMatchObject({ requests: { malformed: 2 }, heldBytes: 0 });
  });

  test.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'nonsense' }],
    [{ 'content-encoding': 'br' }],
  ])('%o is 415', async (headers) => {
    const { url, counters } = await start();
    const answer = await post(url, 'x', headers);
    expect(answer.status).toBe(415);
    expect(counters.requests.unsupported).toBe(1);
  });

  test('too large is 413, announced or not', async () => {
    const { url, counters } = await start({ maxBodyBytes: 1000 });
    expect((await post(url, Buffer.alloc(1001))).status).toBe(413);
    expect(await chunked(url, Buffer.alloc(100_000))).toBe(413);
    expect(counters).toMatchObject({ requests: { tooLarge: 2 }, heldBytes: 0 });
  });

  test('a gzip bomb is 413, and the next request is served', async () => {
    const bomb = gzipSync(Buffer.alloc(16 * 1024 ** 2));
    const { url, counters } = await start({ maxBodyBytes: 1024 ** 2 });
    expect((await post(url, bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
    expect(counters).toMatchObject({ requests: { tooLarge: 1 }, heldBytes: 0 });
    expect((await post(url, encodeRequest(ONE))).status).toBe(200);
  });

  test('senders of metrics and logs are told that only traces are stored', async () => {
    const { url, counters } = await start();
    for (const signal of ['metrics', 'logs']) {
      const headers = { 'content-type': PROTOBUF };
      const answer = await fetch(`${url}/v1/${signal}`, { method: 'POST', body: 'anything', headers });
      expect(answer.status).toBe(200);
      const { partialSuccess } = responseOf(await bytesOf(answer));
      expect(partialSuccess?.errorMessage).toContain('traces only');
    }
    expect(counters.requests.otherSignals).toBe(2);
  });

  test('a sender that disconnects in the middle is counted, and its bytes are released', async () => {
    const { url, counters } = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${PROTOBUF}\r\nContent-Length: 99\r\n\r\nabc`,
    );
    await vi.waitFor(() => expect(counters.heldBytes).toBeGreaterThan(0));
    socket.destroy();
    await vi.waitFor(() => expect(counters.requests.aborted).toBe(1));
    expect(counters.heldBytes).toBe(0);
  });
});

/** Posts without announcing a length; resolves with the status. */
async function chunked(url: string, body: Buffer): Promise<number | undefined> {
  const outgoing = httpRequest(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': PROTOBUF } });
  outgoing.on('error', () => {});
  outgoing.write(body);
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

describe('when writing fails', () => {
  test('an overload is 503 with a Retry-After of a second, and no span is counted', async () => {
    const write = vi.fn(async () => Promise.reject(overloaded()));
    const { url, counters } = await start({ write });
    const answer = await post(url, encodeRequest(ONE));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(statusOf(await bytesOf(answer)).code).toBe(14);
    expect(write).toHaveBeenCalledTimes(1);
    expect(counters).toMatchObject({ requests: { overloaded: 1, accepted: 0 }, spans: { accepted: 0 } });
  });

  test('beyond the limit on held bytes requests are rejected at once, and accepted again afterwards', async () => {
    let release: () => void = () => {};
    const written = new Promise<void>((resolve) => {
      release = resolve;
    });
    const body = encodeRequest(ONE);
    const write = vi.fn(() => written);
    const { url, counters } = await start({ write, maxHeldBytes: body.length * 2.5 });
    const first = post(url, body);
    await vi.waitFor(() => expect(write).toHaveBeenCalled());
    expect((await post(url, body)).status).toBe(503);
    expect(counters.requests.overloaded).toBe(1);
    release();
    expect((await first).status).toBe(200);
    expect((await post(url, body)).status).toBe(200);
  });

  test('rows that the engine rejects are 400: resending them cannot help', async () => {
    const write = vi.fn(async () =>
      Promise.reject(new OriginscopeError('ROW_REFUSED', { destination: 'ClickHouse' })),
    );
    const { url, counters } = await start({ write });
    expect((await post(url, encodeRequest(ONE))).status).toBe(400);
    expect(write).toHaveBeenCalledTimes(1);
    expect(counters).toMatchObject({ requests: { refused: 1 }, spans: { refused: 1 } });
  });

  test('any other failure is 503, which senders retry, and reveals nothing to clients', async () => {
    const { url, counters } = await start({ write: () => Promise.reject(new Error('disk /data is full')) });
    const answer = await postJson(url, ONE);
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('/data');
    expect(counters.requests.failed).toBe(1);
  });
});

describe('a bearer token', () => {
  test('is checked before the body is read', async () => {
    const { url, counters, written } = await start({ token: TOKEN });
    const attempts: readonly [Record<string, string>, string][] = [
      [{}, 'Bearer'],
      [{ authorization: TOKEN }, 'Bearer'],
      [{ authorization: 'Bearer ' }, 'Bearer'],
      [{ authorization: `Bearer ${TOKEN}x` }, 'Bearer error="invalid_token"'],
    ];
    for (const [headers, challenge] of attempts) {
      const answer = await post(url, encodeRequest(ONE), headers);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe(challenge);
      expect(statusOf(await bytesOf(answer)).code).toBe(16);
    }
    expect(counters.requests.unauthenticated).toBe(attempts.length);
    expect((await post(url, encodeRequest(ONE), { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect(written).toHaveLength(1);
  });

  test('guards metrics and logs too, but not the health checks', async () => {
    const { url } = await start({ token: TOKEN });
    expect((await fetch(`${url}/v1/metrics`, { method: 'POST' })).status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('binding', () => {
  const options = { port: 0, now: () => NOW, ready: () => true, write: async () => {} };

  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.com'])('%s needs a token or --auth none', (host) => {
    const code = expect.objectContaining({
      code: 'HOST_NEEDS_TOKEN',
      remedy: expect.stringContaining('--auth none'),
    });
    expect(() => createReceiver({ ...options, host })).toThrow(code);
    expect(() => createReceiver({ ...options, host, auth: 'token' })).toThrow(code);
    expect(() => createReceiver({ ...options, host, auth: 'none' })).not.toThrow();
    expect(() => createReceiver({ ...options, host, token: TOKEN })).not.toThrow();
  });

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s needs nothing', (host) => {
    expect(() => createReceiver({ ...options, host })).not.toThrow();
  });

  test('a taken port is an error that names the flag', async () => {
    const { url } = await start();
    const second = createReceiver({ ...options, host: '127.0.0.1', port: Number(new URL(url).port) });
    await expect(second.listen()).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining('--port'),
    });
  });
});

test('a page that uses DNS rebinding writes nothing, and the attempt is counted', async () => {
  const { url, counters, written } = await start();
  const headers = { 'content-type': JSON_TYPE, host: 'rebound.example', origin: 'http://rebound.example' };
  const outgoing = httpRequest(`${url}/v1/traces`, { method: 'POST', headers });
  outgoing.end(JSON.stringify(ONE));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(403);
  response.resume();
  expect(counters.requests).toMatchObject({ forbidden: 1, accepted: 0 });
  expect(written).toEqual([]);
});

test('a person who opens the address is told what it is, and where the report is', async () => {
  const { url } = await start();
  expect(await (await fetch(url)).text()).toMatch(/receiver of Originscope[\s\S]*originscope report/);
});

test('/healthz reports the counters and additional health data', async () => {
  const { url } = await start({ health: () => ({ writer: { written: 7 } }) });
  await post(url, encodeRequest(ONE));
  expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({
    status: 'ok',
    receiver: { requests: { accepted: 1 }, spans: { accepted: 1 } },
    writer: { written: 7 },
  });
});

test('/metrics reports the counters to Prometheus', async () => {
  const { url } = await start();
  await post(url, encodeRequest(ONE));
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('originscope_receiver_requests_total{outcome="accepted"} 1');
  expect(metrics).toContain('originscope_receiver_spans_total{outcome="passed_over"} 0');
});

test('/readyz is 503 until spans can be accepted', async () => {
  let ready = false;
  const { url } = await start({ ready: () => ready });
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  ready = true;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('closing answers pending requests and accepts no new ones', async () => {
  let release: () => void = () => {};
  const write = vi.fn(
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  );
  const { url, close, counters } = await start({ write });
  const held = post(url, encodeRequest(ONE));
  await vi.waitFor(() => expect(write).toHaveBeenCalled());
  const closing = close();
  const knock = () =>
    fetch(`${url}/healthz`).then(
      ({ status }) => status,
      () => 'refused',
    );
  await vi.waitFor(async () => expect(await knock()).not.toBe(200));
  release();
  expect((await held).status).toBe(200);
  await closing;
  expect(counters.spans.accepted).toBe(1);
});

test('closing does not wait for a sender that stalls in the middle of its body', async () => {
  const { url, close, counters } = await start({ closeMillis: 20 });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  socket.write(
    `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${PROTOBUF}\r\nContent-Length: 9\r\n\r\nabc`,
  );
  await vi.waitFor(() => expect(counters.heldBytes).toBeGreaterThan(0));
  await close();
  await vi.waitFor(() => expect(counters).toMatchObject({ requests: { aborted: 1 }, heldBytes: 0 }));
});
