import { expect, test } from 'vitest';
import { createGate } from './gate.ts';

const forever = new AbortController().signal;
const settled = () => new Promise(setImmediate);

test('requests are admitted in order when there is room, and an oversized one alone', async () => {
  const gate = createGate(10);
  const order: string[] = [];
  const enter = async (name: string, size: number) => {
    const release = await gate.acquire(size, forever);
    order.push(name);
    return release;
  };
  const first = await enter('first', 6);
  const giant = enter('giant', 100);
  const small = enter('small', 1);
  await settled();
  expect(order).toEqual(['first']);
  first();
  await settled();
  expect(order).toEqual(['first', 'giant']);
  (await giant)();
  await small;
  expect(order).toEqual(['first', 'giant', 'small']);
});

test('an aborted request leaves the queue to those behind it', async () => {
  const gate = createGate(10);
  await gate.acquire(9, forever);
  const impatient = new AbortController();
  const given = gate.acquire(5, impatient.signal);
  const behind = gate.acquire(1, forever);
  impatient.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  await behind;
});
