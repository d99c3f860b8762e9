import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

const taken = (bucket: TokenBucket, time: number, tries: number) =>
  Array.from({ length: tries }, () => bucket.take(time)).filter(Boolean).length;

test('allows a burst, then the configured rate, and never accumulates more than a burst', () => {
  const bucket = new TokenBucket(20, 100);
  expect(taken(bucket, 1_000, 500)).toBe(100);
  expect(taken(bucket, 2_000, 500)).toBe(20);
  expect(taken(bucket, 3_600_000, 500)).toBe(100);
});

test('a clock that is set back gives no tokens and takes none away', () => {
  const bucket = new TokenBucket(20, 100);
  expect(taken(bucket, 10_000, 100)).toBe(100);
  expect(taken(bucket, 5_000, 10)).toBe(0);
  expect(taken(bucket, 6_000, 100)).toBe(20);
});
