import { expect, test } from 'vitest';
import { remembering } from './remembering.ts';

test('a text is read once as long as few others come, and each gets its own result', () => {
  const read: string[] = [];
  const lengthOf = remembering((text) => {
    read.push(text);
    return text === '' ? null : text.length;
  });
  for (const text of ['a', 'a', 'bb', 'a', '', 'bb', '']) expect(lengthOf(text)).toBe(text.length || null);
  expect(read).toEqual(['a', 'bb', '']);
});

test('a flood of other texts, and long ones, are not kept', () => {
  const read: string[] = [];
  const lengthOf = remembering((text) => {
    read.push(text);
    return text.length;
  });
  const long = 'x'.repeat(1_000);
  for (let i = 0; i < 1_000; i++) lengthOf(`flood ${i}`);
  for (const text of ['flood 1', long, long]) expect(lengthOf(text)).toBe(text.length);
  expect(read).toHaveLength(1_003);
});
