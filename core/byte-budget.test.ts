import { expect, test } from 'vitest';
import { createByteBudget } from './byte-budget.ts';

const signal = new AbortController().signal;
const settled = () => new Promise(setImmediate);
const budgetOf = (bytes: number) => createByteBudget(bytes, 'in use');

test('requests wait for room in turn, and one that is larger than the budget gets all of it', async () => {
  const budget = budgetOf(10);
  const order: string[] = [];
  const acquire = async (name: string, bytes: number) => {
    const release = await budget.acquire(bytes, { signal });
    order.push(name);
    return release;
  };
  const first = await acquire('first', 6);
  const giant = acquire('giant', 100);
  const small = acquire('small', 1);
  await settled();
  expect(order).toEqual(['first']);
  expect(budget.tryAcquire(1)).toBeUndefined();
  first();
  await settled();
  expect(order).toEqual(['first', 'giant']);
  (await giant)();
  await small;
  expect(order).toEqual(['first', 'giant', 'small']);
  expect(budget.tryAcquire(9)).toBeDefined();
});

test('one whose signal aborts leaves the queue to those behind', async () => {
  const budget = budgetOf(10);
  await budget.acquire(9, { signal });
  const impatient = new AbortController();
  const aborted = budget.acquire(5, { signal: impatient.signal });
  const behind = budget.acquire(1, { signal });
  impatient.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  await behind;
  await expect(budget.acquire(1, { signal: impatient.signal })).rejects.toThrow('enough');
});

test('after its deadline a request is overloaded, and leaves the queue to those behind', async () => {
  const budget = budgetOf(10);
  await budget.acquire(9, { signal });
  const overloaded = { code: 'OVERLOADED', message: expect.stringContaining('9 bytes are already in use') };
  await expect(budget.acquire(5, { signal, deadlineMillis: 0 })).rejects.toMatchObject(overloaded);
  const late = budget.acquire(5, { signal, deadlineMillis: 1 });
  const behind = budget.acquire(1, { signal });
  await expect(late).rejects.toMatchObject(overloaded);
  await behind;
});

test('what is released twice is given back once', async () => {
  const budget = budgetOf(10);
  const release = await budget.acquire(10, { signal });
  release();
  release();
  await budget.acquire(10, { signal });
  expect(budget.tryAcquire(1)).toBeUndefined();
});
