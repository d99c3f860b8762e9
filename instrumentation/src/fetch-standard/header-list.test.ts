import { expect, test } from 'vitest';
import { namesToken, readHeaderBlock, readHeaderList, readRawHeaders, select } from './header-list.ts';

const LIST = [
  ['Vary', 'Accept'],
  ['X-A', '1'],
  ['VARY', ' \tOrigin '],
  ['x-empty', ''],
] as const;

test.each([
  ['a header list', readHeaderList(LIST)],
  ["Node's rawHeaders", readRawHeaders(LIST.flat())],
  [
    'a header block',
    readHeaderBlock(`HTTP/1.1 200 OK\r\n${LIST.map(([name, value]) => `${name}:${value}\r\n`).join('')}\r\n`),
  ],
])('%s gives all values of a name, trimmed and joined', (_, headers) => {
  expect(headers.get('vary')).toBe('Accept, Origin');
  expect(headers.get('x-a')).toBe('1');
  expect(headers.get('x-empty')).toBe('');
  expect(headers.get('x')).toBeNull();
  expect(headers.pick(select(() => ({ vary: null, 'x-b': null })))).toEqual({
    vary: 'Accept, Origin',
    'x-b': null,
  });
});

test.each(['', 'HTTP/1.1 200 OK', 'HTTP/1.1 200 OK\r\n', '\r\n\r\n', 'x\r\n:v\r\nno colon\r\nvary'])(
  'the header block %j has no headers',
  (block) => {
    expect(readHeaderBlock(block).get('vary')).toBeNull();
  },
);

test('tokens are found as whole list elements, in any case', () => {
  expect(namesToken('ORIGIN', 'origin')).toBe(true);
  expect(namesToken('accept ,\torigin', 'origin')).toBe(true);
  expect(namesToken('x-origin, original', 'origin')).toBe(false);
});
