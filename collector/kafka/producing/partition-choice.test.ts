import { expect, test } from 'vitest';
import { createPartitionChoice } from './partition-choice.ts';

const START = 1_000_000;

test('batches are spread evenly, also over added partitions', async () => {
  const choice = createPartitionChoice(() => START);
  const uses = new Map<number, number>();
  const use = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const partition = await choice.acquire();
      uses.set(partition, (uses.get(partition) ?? 0) + 1);
      choice.release(partition, true);
    }
  };
  choice.setCount(3);
  await use(30);
  expect(Object.fromEntries(uses)).toEqual({ 0: 10, 1: 10, 2: 10 });
  choice.setCount(5);
  await use(50);
  expect(Object.fromEntries(uses)).toEqual({ 0: 20, 1: 20, 2: 20, 3: 10, 4: 10 });
});

test('a partition has one batch at a time', async () => {
  const choice = createPartitionChoice(() => START);
  choice.setCount(2);
  expect([await choice.acquire(), await choice.acquire()].sort()).toEqual([0, 1]);
  let third: number | undefined;
  const waiting = choice.acquire().then((partition) => {
    third = partition;
  });
  await Promise.resolve();
  expect(third).toBeUndefined();
  choice.release(1, true);
  await waiting;
  expect(third).toBe(1);
});

test('a failed partition is avoided for a while, unless there is no other', async () => {
  let now = START;
  const choice = createPartitionChoice(() => now);
  const fail = async (): Promise<number> => {
    const partition = await choice.acquire();
    choice.release(partition, false);
    return partition;
  };
  const use = async (): Promise<number> => {
    const partition = await choice.acquire();
    choice.release(partition, true);
    return partition;
  };
  choice.setCount(3);
  const bad = await fail();
  const others = [await use(), await use(), await use(), await use()];
  expect(others).not.toContain(bad);
  now += 10_000;
  expect([await use(), await use(), await use()]).toContain(bad);

  await fail();
  await fail();
  await fail();
  expect(await use()).toBeTypeOf('number');
});
