import fc from 'fast-check';
import { expect, test } from 'vitest';
import { safeText } from './safe-text.ts';

test('ordinary text stays as it is', () => {
  for (const text of [
    'https://app.example',
    'GET /orders/{id}',
    'p < 0.001 and 3 > 2',
    'ops@app.example',
    'größer',
  ]) {
    expect(safeText(text, 100)).toBe(text);
  }
});

test.each([
  ['a terminal escape', '\u001b[2J', '\ufffd[2J'],
  ['a new line', 'a\nb', 'a\ufffdb'],
  ['text that is turned around', 'a\u202eb', 'a\ufffdb'],
  ['invisible characters', 'a\u200b\u{e0041}b', 'a\ufffd\ufffdb'],
  ['half a character', '\ud800', '\ufffd'],
  ['a template', '{{ .Labels }} {% x %}', '{ { .Labels }} { % x %}'],
  ["Slack's mention of a channel", '<!channel> @here', '‹!channel> ＠here'],
  ["Slack's link and an HTML tag", '<https://evil.example|pay> <img>', '‹https://evil.example|pay> ‹img>'],
  ['a Markdown link', '[pay](https://evil.example)', '[pay] (https://evil.example)'],
])('%s is taken apart', (_, text, expected) => {
  expect(safeText(text, 100)).toBe(expected);
});

test('whatever comes in, nothing dangerous and nothing long comes out, and twice is the same as once', () => {
  const pieces = fc.constantFrom(
    '{',
    '%',
    '<',
    '!',
    '@',
    'here',
    ']',
    '(',
    '\u001b',
    '\u200b',
    '\ud800',
    'a',
    '{{{',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(pieces).map((all) => all.join('')),
      ),
      (text) => {
        const safe = safeText(text, 40);
        expect(safe).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|\{[{%]|<[!@#/?a-z]|\]\(|@here/iu);
        expect(safe.length).toBeLessThanOrEqual(40);
        expect(safeText(safe, 40)).toBe(safe);
      },
    ),
  );
});
