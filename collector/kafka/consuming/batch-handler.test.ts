import type { Batch, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { expect, test, vi } from 'vitest';
import { createByteBudget } from '../../../core/byte-budget.ts';
import type { Delivered } from '../client/delivered.ts';
import { batchHandler } from './batch-handler.ts';
import { noConsumerCounts } from './consumer-counters.ts';

/** A batch of one-byte messages that records what the handler does. */
function delivery(offsets: readonly number[], given: Partial<EachBatchPayload> = {}) {
  const resolved: string[] = [];
  const committed: string[] = [];
  const messages = offsets.map(
    (offset) => ({ offset: String(offset), value: Buffer.from('x') }) as KafkaMessage,
  );
  const payload: EachBatchPayload = {
    batch: { topic: 'spans', partition: 3, messages } as unknown as Batch,
    resolveOffset: (offset) => void resolved.push(offset),
    heartbeat: async () => {},
    pause: () => () => {},
    uncommittedOffsets: () => {
      const last = resolved.at(-1);
      const partitions =
        last === undefined || last === committed.at(-1) ? [] : [{ partition: 3, offset: last }];
      return { topics: partitions.length === 0 ? [] : [{ topic: 'spans', partitions }] };
    },
    commitOffsetsIfNecessary: async () => void committed.push(resolved.at(-1) ?? ''),
    isRunning: () => true,
    isStale: () => false,
    ...given,
  };
  return { payload, resolved, committed };
}

/** Messages are stored when the test says so. */
function keeper() {
  const asked: string[] = [];
  const settle = new Map<string, { keep(): void; fail(error: Error): void }>();
  const take = ({ message: { offset } }: Delivered, signal: AbortSignal): Promise<void> => {
    asked.push(offset);
    return new Promise((resolve, reject) => {
      settle.set(offset, { keep: resolve, fail: reject });
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };
  return {
    asked,
    take,
    keep: (offset: number) => settle.get(String(offset))?.keep(),
    fail: (offset: number, error: Error) => settle.get(String(offset))?.fail(error),
  };
}

const handlerOf = (
  take: (delivered: Delivered, signal: AbortSignal) => Promise<void>,
  { stopping = new AbortController().signal, room = 1_000, graceMillis = 20 } = {},
) =>
  batchHandler({
    take,
    // A message counts at least 4 KiB.
    budget: createByteBudget(room * 5 * 1024, 'in hand'),
    counters: noConsumerCounts(),
    stopping,
    heartbeatMillis: 1,
    graceMillis,
  });

test('offsets are resolved in order, whichever message is stored first, and committed at the end', async () => {
  const { asked, take, keep } = keeper();
  const { payload, resolved, committed } = delivery([7, 8, 9]);
  const handled = handlerOf(take)(payload);
  await expect.poll(() => asked).toEqual(['7', '8', '9']);
  keep(9);
  keep(8);
  await new Promise(setImmediate);
  expect(resolved).toEqual([]);
  keep(7);
  await handled;
  expect(resolved).toEqual(['7', '8', '9']);
  expect(committed).toEqual(['9']);
});

test('a message that cannot be stored blocks all later ones, and earlier ones are committed', async () => {
  const { asked, take, keep, fail } = keeper();
  const { payload, resolved, committed } = delivery([7, 8, 9]);
  const handled = handlerOf(take)(payload);
  await expect.poll(() => asked.length).toBe(3);
  keep(7);
  keep(9);
  fail(8, new Error('crash'));
  await expect(handled).rejects.toThrow('crash');
  expect(resolved).toEqual(['7']);
  expect(committed).toEqual(['7']);
});

test('heartbeats are sent for as long as it takes', async () => {
  const { asked, take, keep } = keeper();
  const heartbeat = vi.fn(async () => {});
  const { payload } = delivery([7], { heartbeat });
  const handled = handlerOf(take)(payload);
  await expect.poll(() => heartbeat.mock.calls.length).toBeGreaterThan(5);
  expect(asked).toEqual(['7']);
  keep(7);
  await handled;
});

test('when the group rebalances, no more messages are accepted, and those stored in time are committed', async () => {
  const { asked, take, keep } = keeper();
  const rebalancing = Object.assign(new Error('rebalancing'), { type: 'REBALANCE_IN_PROGRESS' });
  let isRebalancing = false;
  let isTold = false;
  const { payload, committed } = delivery([7, 8, 9], {
    async heartbeat() {
      if (!isRebalancing) return;
      isTold = true;
      throw rebalancing;
    },
  });
  // Two are admitted; the third waits for room.
  const handled = handlerOf(take, { room: 2, graceMillis: 5_000 })(payload);
  await expect.poll(() => asked).toEqual(['7', '8']);
  isRebalancing = true;
  await expect.poll(() => isTold).toBe(true);
  keep(7);
  keep(8);
  await expect(handled).rejects.toBe(rebalancing);
  expect(asked).toEqual(['7', '8']);
  expect(committed).toEqual(['8']);
});

test('messages that are not stored in time are abandoned with the partition', async () => {
  const { asked, take } = keeper();
  const rebalancing = new Error('rebalancing');
  const { payload, committed } = delivery([7, 8], {
    heartbeat: () => Promise.reject(rebalancing),
  });
  await expect(handlerOf(take)(payload)).rejects.toBe(rebalancing);
  expect(asked.length).toBeGreaterThan(0);
  expect(committed).toEqual([]);
});

test('a stopping consumer commits what is stored in time, and abandons the rest', async () => {
  const { asked, take, keep } = keeper();
  const stopping = new AbortController();
  const { payload, committed } = delivery([7, 8]);
  const handled = handlerOf(take, { stopping: stopping.signal })(payload);
  await expect.poll(() => asked.length).toBe(2);
  stopping.abort();
  keep(7);
  await handled;
  expect(committed).toEqual(['7']);
});

test('messages made stale by a seek are not accepted', async () => {
  const { asked, take } = keeper();
  const { payload, committed } = delivery([7], { isStale: () => true });
  await handlerOf(take)(payload);
  expect([asked, committed]).toEqual([[], []]);
});
