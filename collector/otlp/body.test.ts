import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { listen } from '../../test/support/ask.ts';
import { realisticRequest, seeded } from '../../test/support/otlp-bodies.ts';
import { encodeRequest } from '../../test/support/otlp-schema.ts';
import { readBody } from './body.ts';
import { createHeldBytes } from './held-bytes.ts';

const MIB = 1024 ** 2;
const GZIP = { 'content-encoding': 'gzip' };

/**
 * Starts a server that responds with the length of the body or the code of the error, and reports the
 * maximum of held bytes.
 */
async function start(limits: { maxBytes?: number; arrivalMillis?: number } = {}) {
  let maxHeld = 0;
  const held = createHeldBytes({
    maxBytes: 64 * MIB,
    changed(bytes) {
      maxHeld = Math.max(maxHeld, bytes);
    },
  });
  const server = createServer((request, response) => {
    const holding = held.open('a');
    readBody(request, { maxBytes: 16 * MIB, arrivalMillis: 10_000, lingerMillis: 20, ...limits, holding })
      .then(
        (body) => response.end(String(body.length)),
        (error: { code: string }) => response.end(error.code),
      )
      .finally(() => holding.close());
  });
  const url = await listen(server);
  const post = async (body: Buffer, headers: Record<string, string> = {}): Promise<string> =>
    (await fetch(url, { method: 'POST', body: new Uint8Array(body), headers })).text();
  return { url, post, maxHeld: () => maxHeld };
}

describe('a compressed body', () => {
  test('is not inflated further than the limit', async () => {
    const { post, maxHeld } = await start({ maxBytes: MIB });
    expect(await post(gzipSync(Buffer.alloc(64 * MIB)), GZIP)).toBe('BODY_TOO_LARGE');
    expect(maxHeld()).toBeLessThan(2 * MIB);
  });

  test('is rejected if it inflates a thousandfold, even within the limit', async () => {
    const { post, maxHeld } = await start();
    expect(await post(gzipSync(Buffer.alloc(15 * MIB)), GZIP)).toBe('BODY_RATIO');
    expect(maxHeld()).toBeLessThan(3 * MIB);
  });

  test('is accepted with realistic compression ratios, and small bodies with any', async () => {
    const { post } = await start();
    const traces = realisticRequest({ random: seeded(3), time: Date.now(), spans: 2_500 });
    for (const body of [encodeRequest(traces), Buffer.from(JSON.stringify(traces))]) {
      expect(body.length).toBeGreaterThan(1.4 * MIB);
      expect(await post(gzipSync(body, { level: 9 }), GZIP)).toBe(String(body.length));
    }
    expect(await post(gzipSync(Buffer.alloc(MIB)), GZIP)).toBe(String(MIB));
  });

  test('holds only the bytes received so far until it is complete', async () => {
    const { url, maxHeld } = await start();
    const body = gzipSync(Buffer.alloc(MIB, 'x'));
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), body.subarray(0, -1)]));
    await expect.poll(maxHeld).toBeGreaterThan(body.length - 2);
    expect(maxHeld()).toBeLessThan(2 * body.length);
    socket.destroy();
  });
});

test('small chunks are accounted for with their memory overhead', async () => {
  const { url, maxHeld } = await start();
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  socket.write('1\r\nx\r\n'.repeat(1_000));
  await expect.poll(maxHeld, { timeout: 10_000 }).toBeGreaterThan(100_000);
  socket.destroy();
});

test('a body that does not arrive in time is rejected although it trickles, and its connection is closed', async () => {
  const { url } = await start({ arrivalMillis: 30 });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n');
  const dripping = setInterval(() => socket.write('x'), 5);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('BODY_TIMEOUT');
  await expect.poll(() => socket.closed).toBe(true);
  clearInterval(dripping);
});

test('an endless body is answered, and then its connection is closed', async () => {
  const { url } = await start({ maxBytes: 1_000 });
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const sending = setInterval(() => socket.write(`400\r\n${'x'.repeat(1024)}\r\n`), 5);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('BODY_TOO_LARGE');
  await expect.poll(() => socket.closed).toBe(true);
  clearInterval(sending);
});
