import { expect, test } from 'vitest';
import { isSerialisedOrigin, normaliseOrigin } from './origin.ts';

test.each([
  'null',
  'https://example.com',
  'http://localhost:3000',
  'https://xn--mnchen-3ya.de',
  'http://127.0.0.1:8080',
  'http://[::1]:8080',
  'https://under_score.example.com',
  'https://3com.com',
  'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
  'safari-web-extension://8E1B2F60-0C2B-4F8E-9A7B-0E5C9D8F7A6B',
  'capacitor://localhost',
  'file://',
])('%s is kept as it is', (origin) => {
  expect(normaliseOrigin(origin)).toBe(origin);
});

test.each([
  '',
  'example.com',
  'https://example.com/',
  'https://Example.com',
  'HTTPS://example.com',
  'https://example.com:443',
  'https://example.com:99999',
  'https://user@example.com',
  'https://a.example https://b.example',
  'https://exa mple.com',
  'https://münchen.de',
  'https://xn--a.example\u0000',
  'http://1.2.3',
  'http://0x7f.1',
  'https://',
  'javascript:alert(1)',
  '://x',
  'x y://z',
  '(other)',
  `https://${'a'.repeat(300)}.example`,
])('%s is marked as invalid', (origin) => {
  expect(isSerialisedOrigin(origin) && origin.length <= 256).toBe(false);
  expect(normaliseOrigin(origin).startsWith('(invalid) ')).toBe(true);
  expect(normaliseOrigin(origin).length).toBeLessThanOrEqual(256);
});

test('an invalid origin is readable and harmless', () => {
  expect(normaliseOrigin("https://x\u001b[31m'\n<b>\u00e9\u202e")).toBe(
    "(invalid) https://x\\x1b[31m'\\x0a<b>\\xe9\\u202e",
  );
});
