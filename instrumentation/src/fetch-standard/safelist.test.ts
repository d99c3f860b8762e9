import { expect, test } from 'vitest';
import { isSafelistedRequestHeader, unsafeRequestHeaderNames } from './safelist.ts';

test.each<[name: string, value: string, isSafe: boolean]>([
  ['accept', 'application/json, */*;q=0.1', true],
  ['accept', 'a(b)', false],
  ['accept', 'x'.repeat(129), false],
  ['accept-language', 'de-CH, en;q=0.5', true],
  ['accept-language', 'de_CH', false],
  ['content-language', 'de', true],
  ['content-type', 'text/plain;charset=UTF-8', true],
  ['content-type', 'multipart/form-data; boundary=x', true],
  ['content-type', 'application/json', false],
  ['content-type', 'text/plain; x="y"', false],
  ['range', 'bytes=0-', true],
  ['range', 'bytes=10-20', true],
  ['range', 'bytes=20-10', false],
  ['range', 'bytes=-5', false],
  ['range', 'bytes=0-1,3-4', false],
  ['traceparent', '00-1-1-00', false],
])('%s: %s is safelisted: %s', (name, value, isSafe) => {
  expect(isSafelistedRequestHeader(name, value)).toBe(isSafe);
});

test('a browser requests the unsafe names, lower-case and sorted', () => {
  const headers = [
    ['X-B', '1'],
    ['Content-Type', 'application/json'],
    ['Accept', '*/*'],
    ['a', ''],
  ] as const;
  expect(unsafeRequestHeaderNames(headers)).toEqual(['a', 'content-type', 'x-b']);
});

test('safelisted headers need permission once they exceed 1024 bytes together', () => {
  const accept = ['accept', 'x'.repeat(128)] as const;
  expect(unsafeRequestHeaderNames(Array.from({ length: 8 }, () => accept))).toEqual([]);
  expect(unsafeRequestHeaderNames(Array.from({ length: 9 }, () => accept))).toEqual(['accept']);
});
