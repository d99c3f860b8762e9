import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { decisionRequest, decisionSpan } from '../../test/support/otlp-bodies.ts';
import { startStalledSenders } from '../../test/support/stalled-senders.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from './receiver.ts';

const BODY = new Uint8Array(
  gzipSync(JSON.stringify(decisionRequest([decisionSpan('00f067aa0ba902b7', Date.now())]))),
);

async function start(options: Partial<ReceiverOptions>): Promise<Receiver & { readonly url: string }> {
  const receiver = createReceiver({
    host: '127.0.0.1',
    port: 0,
    now: Date.now,
    ready: () => true,
    write: async () => {},
    closeMillis: 20,
    ...options,
  });
  onTestFinished(() => receiver.close());
  return { ...receiver, url: await receiver.listen() };
}

/** Sends as the instrumentation does, on a persistent or a new connection. */
async function post(url: string, connection: 'keep-alive' | 'close'): Promise<number> {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', connection };
  const answer = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: BODY });
  await answer.arrayBuffer();
  return answer.status;
}

test.each([
  ['room for them all', {}],
  ['fewer connections', { maxConnections: 950 }],
  ['less memory than they want', { maxHeldBytes: 8 * 1024 ** 2 }],
])('a regular sender is never rejected while 1,000 others stall (%s)', async (_, options) => {
  const { url, counters } = await start(options);
  const stalled = await startStalledSenders(url, 1_000);
  onTestFinished(() => stalled.close());
  // A body that has just started to arrive cannot be told from a regular one.
  await expect.poll(() => post(url, 'close'), { timeout: 10_000 }).toBe(200);
  const before = counters.requests.accepted;
  for (let n = 0; n < 30; n++) {
    expect(await post(url, n % 2 === 0 ? 'keep-alive' : 'close')).toBe(200);
  }
  expect(counters.requests.accepted - before).toBe(30);
  expect(stalled.open()).toBeGreaterThan(700);
});

test('a stalled body is answered 503 in time, which senders retry, and counted', async () => {
  const { url, counters } = await start({ arrivalMillis: 30 });
  const stalled = await startStalledSenders(url, 4);
  await expect.poll(() => counters.requests.timedOut).toBeGreaterThan(0);
  stalled.close();
  await expect.poll(() => counters.heldBytes).toBe(0);
});
