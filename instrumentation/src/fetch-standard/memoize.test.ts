import { expect, test } from 'vitest';
import { memoize } from './memoize.ts';

test('a string is computed once while few others occur, and each gets its own result', () => {
  const read: string[] = [];
  const lengthOf = memoize((text) => {
    read.push(text);
    return text === '' ? null : text.length;
  });
  for (const text of ['a', 'a', 'bb', 'a', '', 'bb', '']) expect(lengthOf(text)).toBe(text.length || null);
  expect(read).toEqual(['a', 'bb', '']);
});

test('floods of other strings, and long ones, are not kept', () => {
  const read: string[] = [];
  const lengthOf = memoize((text) => {
    read.push(text);
    return text.length;
  });
  const long = 'x'.repeat(1_000);
  for (let i = 0; i < 1_000; i++) lengthOf(`flood ${i}`);
  for (const text of ['flood 1', long, long]) expect(lengthOf(text)).toBe(text.length);
  expect(read).toHaveLength(1_003);
});
