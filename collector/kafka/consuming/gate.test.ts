import { expect, test } from 'vitest';
import { createGate } from './gate.ts';

const forever = new AbortController().signal;
const settled = () => new Promise(setImmediate);

test('who comes waits for room, in turn, and a giant gets in alone', async () => {
  const gate = createGate(10);
  const order: string[] = [];
  const enter = async (name: string, size: number) => {
    const leave = await gate.enter(size, forever);
    order.push(name);
    return leave;
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

test('who gives up leaves the queue to those behind', async () => {
  const gate = createGate(10);
  await gate.enter(9, forever);
  const impatient = new AbortController();
  const given = gate.enter(5, impatient.signal);
  const behind = gate.enter(1, forever);
  impatient.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  await behind;
});
