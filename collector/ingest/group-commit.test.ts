import { afterEach, expect, test, vi } from 'vitest';
import { createGroupCommit, type GroupCommitCounters, type GroupCommitLimits } from './group-commit.ts';

const LIMITS: GroupCommitLimits = {
  lingerMillis: 0,
  maxInsertRows: 100,
  maxInsertBytes: 1_000,
  maxPendingBytes: 1_000,
  admissionMillis: 0,
  retryMillis: [],
};

const settled = () => new Promise(setImmediate);

afterEach(() => {
  vi.useRealTimers();
});

/** A row is a number and has so many bytes. An insert ends when the test says so, or at once. */
function commitsInto(limits: Partial<GroupCommitLimits>, { isSlow = false } = {}) {
  const inserts: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const counters: GroupCommitCounters = {
    written: 0,
    refused: 0,
    failed: 0,
    overloaded: 0,
    inserts: 0,
    retries: 0,
  };
  const commits = createGroupCommit<number>(
    {
      name: 'the test',
      mostInFlight: 1,
      async insert(rows) {
        inserts.push(rows);
        if (isSlow) await new Promise<void>((resolve) => ends.push(resolve));
      },
      bytesOf: (row) => row,
      isRejection: () => false,
    },
    { ...LIMITS, ...limits },
    counters,
  );
  return { commits, inserts, counters, endInsert: () => ends.shift()?.() };
}

test.each<[string, Partial<GroupCommitLimits>]>([
  ['rows', { maxInsertRows: 2 }],
  ['bytes', { maxInsertBytes: 20 }],
])('an insert waits for others, until there are enough %s for a whole one', async (_, limits) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { commits, inserts } = commitsInto({ lingerMillis: 60_000, ...limits });
  const first = commits.add([10]);
  await settled();
  expect(inserts).toEqual([]);
  await Promise.all([first, commits.add([10])]);
  expect(inserts).toEqual([[10, 10]]);

  const alone = commits.add([10]);
  await settled();
  expect(inserts).toHaveLength(1);
  vi.advanceTimersByTime(60_000);
  await alone;
  expect(inserts).toEqual([[10, 10], [10]]);
});

test('a request that finds no room waits for it, and is overloaded after its time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { commits, inserts, counters, endInsert } = commitsInto(
    { admissionMillis: 2_000, maxInsertRows: 1 },
    { isSlow: true },
  );
  const first = commits.add([900]);
  const second = commits.add([200]);
  const third = commits.add([300, 600]);
  await settled();
  expect(inserts).toEqual([[900]]);
  endInsert();
  await first;
  await settled();
  expect(inserts).toEqual([[900], [200]]);
  const overloaded = expect(third).rejects.toMatchObject({ code: 'OVERLOADED', retryable: true });
  vi.advanceTimersByTime(2_000);
  await overloaded;
  endInsert();
  await second;
  expect(counters).toMatchObject({ written: 2, overloaded: 2 });
});

test('without a limit a request waits for room until its signal aborts', async () => {
  const { commits, endInsert, counters } = commitsInto(
    { admissionMillis: 'unlimited', maxInsertRows: 1 },
    { isSlow: true },
  );
  const first = commits.add([900]);
  const leaving = new AbortController();
  const second = commits.add([200], leaving.signal);
  leaving.abort(new Error('rebalancing'));
  await expect(second).rejects.toThrow('rebalancing');
  endInsert();
  await first;
  expect(counters).toMatchObject({ written: 1, overloaded: 0 });
});

test('closing inserts what has room, and turns away what waits for it', async () => {
  const { commits, inserts, endInsert } = commitsInto(
    { admissionMillis: 'unlimited', lingerMillis: 60_000 },
    { isSlow: true },
  );
  const first = commits.add([900]);
  const second = commits.add([200]);
  const closed = commits.close();
  await expect(second).rejects.toMatchObject({ code: 'WRITER_CLOSED', retryable: true });
  endInsert();
  await Promise.all([first, closed]);
  expect(inserts).toEqual([[900]]);
  await expect(commits.add([1])).rejects.toMatchObject({ code: 'WRITER_CLOSED' });
});
