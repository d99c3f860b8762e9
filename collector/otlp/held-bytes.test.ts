import { expect, test, vi } from 'vitest';
import { createHeldBytes, type Holding, peerOf } from './held-bytes.ts';

const OVERLOADED = expect.objectContaining({ code: 'OVERLOADED', retryable: true });

/** A budget of 900 bytes and a manual clock. */
function start() {
  const clock = { now: 0 };
  let sum = 0;
  const held = createHeldBytes({
    maxBytes: 900,
    graceMillis: 10,
    now: () => clock.now,
    changed(bytes) {
      sum = bytes;
    },
  });
  const arriving = (peer: string, bytes: number) => {
    const holding = held.open(peer);
    const giveWay = vi.fn();
    holding.arriving(giveWay);
    holding.hold(bytes);
    return { ...holding, giveWay };
  };
  const complete = (peer: string, bytes: number): Holding => {
    const holding = arriving(peer, bytes);
    holding.arrived();
    return holding;
  };
  return { clock, arriving, complete, sum: () => sum };
}

test('a peer holds at most twice as much as it leaves free, in one request or in many', () => {
  const { complete, sum } = start();
  const first = complete('a', 600);
  expect(() => complete('a', 1)).toThrow(OVERLOADED);
  first.close();
  for (let n = 0; n < 6; n++) complete('a', 100);
  expect(() => complete('a', 1)).toThrow(OVERLOADED);
  expect(sum()).toBe(600);
});

test('others always find room', () => {
  const { complete } = start();
  for (let n = 0; n < 6; n++) complete('a', 100);
  complete('b', 150);
  complete('c', 60);
  expect(() => complete('a', 1)).toThrow(OVERLOADED);
});

test('the oldest incomplete body of the peer that holds the most is evicted', () => {
  const { clock, arriving, complete, sum } = start();
  complete('a', 100);
  const stalled = [arriving('a', 200), arriving('a', 200)];
  const other = arriving('b', 100);
  clock.now = 11;
  const late = arriving('c', 250);
  expect(stalled[0]?.giveWay).toHaveBeenCalledExactlyOnceWith(OVERLOADED);
  expect(stalled[1]?.giveWay).not.toHaveBeenCalled();
  expect(other.giveWay).not.toHaveBeenCalled();
  expect(late.giveWay).not.toHaveBeenCalled();
  expect(sum()).toBe(650);
  stalled[0]?.close();
  expect(sum()).toBe(650);
});

test('one of the same peer is evicted for another, as behind a proxy', () => {
  const { clock, arriving } = start();
  const stalled = arriving('a', 600);
  clock.now = 11;
  const next = arriving('a', 100);
  expect(stalled.giveWay).toHaveBeenCalledOnce();
  expect(next.giveWay).not.toHaveBeenCalled();
});

test('a body is not evicted if it has just started and is not larger, if it is complete, or if its peer holds less', () => {
  const { clock, arriving, complete } = start();
  const small = arriving('b', 50);
  clock.now = 100;
  const young = arriving('a', 250);
  complete('a', 300);
  expect(() => arriving('a', 300)).toThrow(OVERLOADED);
  expect(young.giveWay).not.toHaveBeenCalled();
  expect(small.giveWay).not.toHaveBeenCalled();
});

test('a large body is evicted for a small one, and any for a complete one that is inflated', () => {
  const { arriving } = start();
  const large = arriving('a', 350);
  const medium = arriving('a', 200);
  const small = arriving('a', 100);
  expect(large.giveWay).toHaveBeenCalledOnce();
  small.arrived();
  small.hold(350);
  expect(medium.giveWay).toHaveBeenCalledOnce();
  expect(small.giveWay).not.toHaveBeenCalled();
});

test('released bytes are available again', () => {
  const { complete, sum } = start();
  const holding = complete('a', 600);
  holding.letGo(200);
  expect(sum()).toBe(400);
  holding.letGo(1_000);
  holding.close();
  expect(sum()).toBe(0);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  [undefined, ''],
])('the peer of %s is %s', (address, peer) => {
  expect(peerOf(address)).toBe(peer);
});
