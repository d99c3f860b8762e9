import { pino } from 'pino';
import { expect, test } from 'vitest';
import { OriginscopeError } from './errors.ts';
import { createRetrier } from './outage-retrier.ts';

const never = new AbortController().signal;
const unavailable = new OriginscopeError('KAFKA_UNAVAILABLE', { brokers: 'a:1', problem: 'timeout' });

function retrierFor() {
  const lines: { msg: string; seconds: number }[] = [];
  let now = 0;
  let failures = 0;
  const retrier = createRetrier({
    messages: { failing: 'fails', recovered: 'works again' },
    log: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) }),
    now: () => now,
    onFailing: () => failures++,
    delaysMillis: [0],
  });
  /** Fails so often with the error; a minute and a half passes at each attempt. */
  const runFailing = (times: number, error: unknown) => {
    let left = times;
    return retrier.run(async () => {
      now += 90_000;
      if (left-- > 0) throw error;
      return retrier.isFailing();
    }, never);
  };
  return { retrier, lines, runFailing, failures: () => failures };
}

test('what is retryable is retried until it succeeds; an outage is logged when it begins, each minute, and when it ends', async () => {
  const { retrier, lines, runFailing, failures } = retrierFor();
  expect(await runFailing(2, unavailable)).toBe(true);
  expect(retrier.isFailing()).toBe(false);
  expect(lines.map(({ msg, seconds }) => [msg, seconds])).toEqual([
    ['fails', 0],
    ['fails', 90],
    ['works again', 180],
  ]);
  expect(failures()).toBe(1);
});

test.each([
  new OriginscopeError('TOPIC_MISSING', { topic: 'spans' }),
  new OriginscopeError('WRITER_CLOSED', { destination: 'ClickHouse' }),
  new Error('unexpected'),
])('no retry after: %s', async (error) => {
  const { lines, runFailing } = retrierFor();
  await expect(runFailing(1, error)).rejects.toBe(error);
  expect(lines).toEqual([]);
});
