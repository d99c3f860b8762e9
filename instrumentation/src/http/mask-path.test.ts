import fc from 'fast-check';
import { expect, test } from 'vitest';
import { secret } from '../../../test/support/secrets.ts';
import { maskPath } from './mask-path.ts';
import { PATH_WORDS } from './path-words.ts';
import { createRouteText } from './route-text.ts';

test.each([
  ['/', '/'],
  ['/api/v1/users', '/api/v1/users'],
  ['/oauth2/token', '/oauth2/token'],
  ['/static/app.min.js', '/static/app.min.js'],
  ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/API/V2/Orders', '/API/V2/Orders'],
  ['/api/v1beta1/categories', '/api/v1beta1/categories'],
  ['/getUserById', '/getUserById'],
  ['/updateUserProfileById/user-profiles', '/updateUserProfileById/user-profiles'],
  ['/users/42', '/users/:id'],
  ['/users/7', '/users/:id'],
  ['/orders/8c1f0d3e-6f55-4f0c-9a51-2f0e9f6b7c11/items', '/orders/:id/items'],
  ['/commits/9fceb02d0ae598e95dc970b74767f19372d61af8', '/commits/:id'],
  ['/objects/507f1f77bcf86cd799439011', '/objects/:id'],
  ['/reset/eyJhbGciOiJIUzI1NiJ9', '/reset/:id'],
  ['/reset/kqzvxwjpmrtlhgfdsbcn', '/reset/:id'],
  ['/invite/aB3xYz9', '/invite/:id'],
  ['/invite/aZbYcXdWeVfU', '/invite/:id'],
  ['/invite/mfrggzdfmztwq2lk', '/invite/:id'],
  ['/users/jane', '/users/:id'],
  ['/users/jane.doe/orders', '/users/:id/orders'],
  ['/users/jane-doe', '/users/:id'],
  ['/users/JaneDoe', '/users/:id'],
  ['/usersjane', '/:id'],
  ['/u/1234567/x', '/:id/:id/:id'],
  ['/otp/83', '/otp/:id'],
  ['/s/Zk9QwLp', '/:id/:id'],
  ['/ordersusersitems', '/:id'],
  ['/login/correct-horse-battery-staple', '/login/:id'],
  ['/login/order-user-api-item-list-page', '/login/:id'],
  ['/__proto__/constructor', '/:id/:id'],
  ['/mail/ada%40example.com', '/mail/:id'],
  ['/mail/ada@example.com', '/mail/:id'],
  ['/cart;jsessionid=1A530637289A03B07199A44E8D531427', '/:id'],
  ['/search?q=secret', '/search'],
  ['/page#fragment', '/page'],
  ['http://api.example/items/12?b=c', '/items/:id'],
  ['http://admin:secret@api.example/orders', '/orders'],
  ['http://admin:sec/ret@api.example/orders', '/:id/orders'],
  ['http://api.example', '/'],
  ['http://api.example?b=c', '/'],
  ['*', ':id'],
  ['', '/'],
])('%s becomes %s', (url, masked) => {
  expect(maskPath(url)).toBe(masked);
});

test.each([
  ['/users/jane', '/users/:name', '/users/:name'],
  ['/shop/backoffice/jane', '/shop/backoffice/{person}', '/shop/backoffice/{person}'],
  ['/backoffice/jane/42', '/backoffice/*', '/backoffice/:id/:id'],
  ['/backoffice/jane/42', '/backoffice/(.*)', '/backoffice/:id/:id'],
  ['/users/jane', '*', '/users/:id'],
  ['/users/jane', '', '/users/:id'],
  ['/backoffice/jane', '/backoffice/', '/backoffice/:id'],
  ['/backoffice/jane', '/', '/:id/:id'],
  ['/shop/backoffice/jane', '/backoffice/:name', '/shop/backoffice/:id'],
  ['/x', `/:${'a'.repeat(1_000)}`, `/:${'a'.repeat(510)}`],
])('%s of the route %s becomes %s', (url, route, masked) => {
  expect(maskPath(url, route)).toBe(masked);
});

test('literal segments of a route are kept, its parameters and patterns are not', () => {
  const known = createRouteText();
  known.learn('/backoffice/:jane/campaigns/{doe}/<x>/(y)/z*');

  expect(maskPath('/backoffice/jane/campaigns/doe/x/y/z', undefined, known.has)).toBe(
    '/backoffice/:id/campaigns/:id/:id/:id/:id',
  );
});

test('the memory for routes is bounded, even if clients choose them', () => {
  const known = createRouteText();
  for (let i = 0; i < 5_000; i++) known.learn(`/route-${i}`);

  expect(known.has('route-999')).toBe(true);
  expect(known.has('route-1000')).toBe(false);
});

test('long paths are truncated and marked', () => {
  expect(maskPath('/api'.repeat(10_000))).toBe(`${'/api'.repeat(16)}/...`);
});

test('any target gives a short printable path without a query, which masking leaves alone', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.webPath()), (url) => {
      const masked = maskPath(url);
      expect(masked).toMatch(/^[A-Za-z0-9._~:/-]{1,800}$/);
      expect(maskPath(masked)).toBe(masked);
    }),
  );
});

test('a name, a token and words glued together are masked wherever they stand', () => {
  fc.assert(
    fc.property(secret, fc.constantFrom('', '/users', '/api/v1/reset'), (text, prefix) => {
      for (const path of [text, encodeURIComponent(text)]) {
        expect(maskPath(`${prefix}/${path}`).toLowerCase()).not.toContain(path.toLowerCase());
      }
    }),
    { numRuns: 1_000 },
  );
});

test('the vocabulary has no given names', () => {
  for (const name of [
    'jane',
    'mark',
    'grace',
    'will',
    'bill',
    'max',
    'rose',
    'hope',
    'dean',
    'frank',
    'april',
  ]) {
    expect(PATH_WORDS.has(name), name).toBe(false);
  }
});
