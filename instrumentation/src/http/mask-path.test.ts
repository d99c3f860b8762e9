import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskPath } from './mask-path.ts';

test.each([
  ['/', '/'],
  ['/api/v1/users', '/api/v1/users'],
  ['/oauth2/token', '/oauth2/token'],
  ['/static/app.min.js', '/static/app.min.js'],
  ['/getUserById', '/getUserById'],
  ['/users/42', '/users/:id'],
  ['/users/7', '/users/:id'],
  ['/orders/8c1f0d3e-6f55-4f0c-9a51-2f0e9f6b7c11/items', '/orders/:id/items'],
  ['/commits/9fceb02d0ae598e95dc970b74767f19372d61af8', '/commits/:id'],
  ['/objects/507f1f77bcf86cd799439011', '/objects/:id'],
  ['/reset/eyJhbGciOiJIUzI1NiJ9', '/reset/:id'],
  ['/invite/aZbYcXdWeVfU', '/invite/:id'],
  ['/invite/mfrggzdfmztwq2lk', '/invite/:id'],
  ['/updateUserProfileById/user-profiles', '/updateUserProfileById/user-profiles'],
  ['/mail/ada%40example.com', '/mail/:id'],
  ['/mail/ada@example.com', '/mail/:id'],
  ['/cart;jsessionid=1A530637289A03B07199A44E8D531427', '/:id'],
  ['/search?q=secret', '/search'],
  ['/page#fragment', '/page'],
  ['http://api.example/a/12?b=c', '/a/:id'],
  ['http://api.example', '/'],
  ['http://api.example?b=c', '/'],
  ['*', ':id'],
  ['', '/'],
])('%s becomes %s', (url, masked) => {
  expect(maskPath(url)).toBe(masked);
});

test('long paths are cut, and say so', () => {
  expect(maskPath('/a'.repeat(10_000))).toBe(`${'/a'.repeat(16)}/...`);
});

test('any target gives a short printable path without a query, which masking leaves alone', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.webPath()), (url) => {
      const masked = maskPath(url);
      expect(masked).toMatch(/^[A-Za-z0-9._~:/-]{1,560}$/);
      expect(maskPath(masked)).toBe(masked);
    }),
  );
});
