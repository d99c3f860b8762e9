import { expect, test } from 'vitest';
import { endless, type RetryOptions, retry } from './retry.ts';

/** A clock that only sleeping moves, and the pauses that were made. */
function fakeClock(random = 0) {
  let time = 0;
  const pauses: number[] = [];
  return {
    pauses,
    now: () => time,
    random: () => random,
    async sleep(millis: number) {
      pauses.push(millis);
      time += millis;
    },
  };
}

/** Fails so often, then returns the number of its attempt. */
function failing(times: number): () => Promise<number> {
  let attempts = 0;
  return async () => {
    attempts++;
    if (attempts <= times) throw new Error(`attempt ${attempts}`);
    return attempts;
  };
}

async function pausesOf(times: number, options: Partial<RetryOptions>, random = 0) {
  const clock = fakeClock(random);
  const outcome = await retry(failing(times), { delays: [], clock, ...options }).catch(
    (error: Error) => error.message,
  );
  return { outcome, pauses: clock.pauses };
}

test('work that fails is done again after each delay, and the last error is final', async () => {
  expect(await pausesOf(2, { delays: [10, 20, 40] })).toEqual({ outcome: 3, pauses: [10, 20] });
  expect(await pausesOf(9, { delays: [10, 20] })).toEqual({ outcome: 'attempt 3', pauses: [10, 20] });
  expect(await pausesOf(0, {})).toEqual({ outcome: 1, pauses: [] });
});

test('endless delays repeat the last one', async () => {
  expect(await pausesOf(4, { delays: endless([1, 5]) })).toEqual({ outcome: 5, pauses: [1, 5, 5, 5] });
});

test('the last attempt begins at the deadline', async () => {
  const options = { delays: endless([40]), deadlineMillis: 100 };
  expect(await pausesOf(9, options)).toEqual({ outcome: 'attempt 4', pauses: [40, 40, 20] });
  expect(await pausesOf(9, { ...options, deadlineMillis: 0 })).toEqual({ outcome: 'attempt 1', pauses: [] });
});

test('chance shortens a delay by no more than the jitter', async () => {
  expect((await pausesOf(1, { delays: [100] }, 0.5)).pauses).toEqual([87.5]);
  expect((await pausesOf(1, { delays: [100], jitter: 1 }, 0.75)).pauses).toEqual([25]);
});

test('an error that is not to be retried is thrown at once; each of the others is told', async () => {
  const told: unknown[] = [];
  const shouldRetry = (error: unknown) => !String(error).includes('attempt 2');
  const options = { delays: endless([10]), shouldRetry, onRetry: (error: unknown) => told.push(error) };
  expect(await pausesOf(9, options)).toEqual({ outcome: 'attempt 2', pauses: [10] });
  expect(told.map(String)).toEqual(['Error: attempt 1']);
});

test('an aborted signal ends the pause with its reason, and begins nothing', async () => {
  const stop = new AbortController();
  const work = failing(9);
  const waiting = retry(work, { delays: [3_600_000], signal: stop.signal });
  setImmediate(() => stop.abort(new Error('closing')));
  await expect(waiting).rejects.toThrow('closing');
  await expect(retry(work, { delays: [], signal: stop.signal })).rejects.toThrow('closing');
  await expect(work()).rejects.toThrow('attempt 2');
});
