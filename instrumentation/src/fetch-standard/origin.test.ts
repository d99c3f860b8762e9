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
  'app://local.host:8080',
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

test.each([
  ['https://example.com/', '(invalid) https://example.com/'],
  ['https://Example.com', '(invalid) https://Example.com'],
  ['https://example.com:443', '(invalid) https://example.com:443'],
  ['https://app.example/reset?token=eyJhbGciOiJIUzI1NiJ9.secret', '(invalid) https://app.example/...'],
  ['https://app.example?token=secret', '(invalid) https://app.example/...'],
  ['https://app.example#secret', '(invalid) https://app.example/...'],
  ['https://app.example\\secret', '(invalid) https://app.example/...'],
  ['https://user:password@app.example', '(invalid) https://...@app.example'],
  ['https://user:pass@word@app.example/x', '(invalid) https://...@app.example/...'],
  // Is it a host and a path, or a user name and a password with a slash?
  ['https://user/password@app.example', '(invalid) ...'],
  ['app://user:password', '(invalid) ...'],
  ['http://[::1]:8080/x', '(invalid) http://[::1]:8080/...'],
  ['(invalid) https://user:password@app.example', '(invalid) https://...@app.example'],
  ['kqzvxwjpmrtl', '(invalid) ...'],
  ['https://a.example https://b.example', '(invalid) ...'],
  ['https://münchen.de', '(invalid) ...'],
  ["https://x\u001b[31m'\n<b>\u00e9\u202e", '(invalid) ...'],
  [`https://app.example/${'x'.repeat(10_000)}`, '(invalid) ...'],
])('%s becomes %s: scheme, host and port, and where something was left out', (origin, kept) => {
  expect(normaliseOrigin(origin)).toBe(kept);
});
