import { expect, test } from 'vitest';
import { parseMaxAge, preflightCacheSeconds } from './max-age.ts';

test.each<[value: string | null, seconds: number | undefined]>([
  [null, undefined],
  ['', undefined],
  ['600', 600],
  ['0', 0],
  ['-1', 0],
  ['1.5', undefined],
  ['600s', undefined],
  ['5, 5', undefined],
  ['+600', 600],
  ['+-600', undefined],
  ['+', undefined],
  ['9223372036854775807', 2_147_483_647],
  ['9223372036854775808', undefined],
  ['99999999999999999999', undefined],
  ['00000000000000000000000600', 600],
])('Access-Control-Max-Age %j is %s seconds', (value, seconds) => {
  expect(parseMaxAge(value)).toBe(seconds);
});

test('each browser caches a preflight for its max-age, up to its own limit', () => {
  expect(preflightCacheSeconds(60, 'chrome')).toBe(60);
  expect(preflightCacheSeconds(undefined, 'firefox')).toBe(5);
  expect(preflightCacheSeconds(1e6, 'chrome')).toBe(7200);
  expect(preflightCacheSeconds(1e6, 'firefox')).toBe(86_400);
  expect(preflightCacheSeconds(1e6, 'safari')).toBe(600);
});
