import { expect, test } from 'vitest';
import { bounded, cleaned, printableMessage } from './text.ts';

test.each([
  ['a terminal escape', '\u001b[2J'],
  ['a new line', '\n'],
  ['a C1 control', '\u009b'],
  ['a right-to-left override', '\u202e'],
  ['a zero-width space', '\u200b'],
  ['a soft hyphen', '\u00ad'],
  ['a byte order mark', '\ufeff'],
  ['a tag character', '\u{e0041}'],
  ['a private-use character', '\ue000'],
  ['a line separator', '\u2028'],
  ['half a surrogate pair', '\ud83d'],
])('%s is replaced, and the text around it stays', (_, unsafe) => {
  expect(cleaned(`a${unsafe}b`)).toMatch(/^a\ufffd(\[2J)?b$/);
});

test.each(['checkout', 'Zürich', '注文', 'заказ', '🛒 shop', '<a & "b">'])('%s stays as it is', (text) => {
  expect(cleaned(text)).toBe(text);
});

test('the message of anything thrown is bounded, and safe to print', () => {
  expect(printableMessage(new Error(' Code: 53.\u001b[31m\n '))).toBe('Code: 53.\ufffd[31m');
  expect(printableMessage('a'.repeat(400))).toHaveLength(300);
  expect(printableMessage(undefined)).toBe('undefined');
});

test('no surrogate pair is cut in two', () => {
  expect(bounded('ab🛒', 3)).toBe('ab');
});
