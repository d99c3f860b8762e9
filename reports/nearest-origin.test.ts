import { expect, test } from 'vitest';
import { nearestOrigin } from './nearest-origin.ts';

const ALLOWED = ['https://shop.example', 'https://admin.shop.example', 'http://localhost:3000'];

test.each([
  ['https://shop.example/', 'https://shop.example', 'slash'],
  ['https://Shop.example', 'https://shop.example', 'case'],
  ['http://shop.example', 'https://shop.example', 'scheme'],
  ['https://shop.example:8443', 'https://shop.example', 'port'],
  ['http://localhost:5173', 'http://localhost:3000', 'port'],
  ['https://www.shop.example', 'https://shop.example', 'subdomain'],
  ['https://staging.shop.example', 'https://shop.example', 'subdomain'],
  ['https://sh0p.example', 'https://shop.example', 'spelling'],
] as const)('%s was probably meant as %s: the %s differs', (origin, nearest, difference) => {
  expect(nearestOrigin(origin, ALLOWED)).toEqual({ origin: nearest, difference });
});

test.each([
  'https://unrelated.example',
  'https://example',
  'null',
  '(other)',
  'https://evil.com/shop.example',
  // Two things differ at once.
  'http://shop.example.evil.com',
  'http://www.shop.example',
])('%s is like none of them', (origin) => {
  expect(nearestOrigin(origin, ALLOWED)).toBeUndefined();
});

test('addresses are not related by their last numbers', () => {
  expect(nearestOrigin('http://192.168.0.12', ['http://10.168.0.12'])).toBeUndefined();
});

test('short names are not taken for each other', () => {
  expect(nearestOrigin('https://a.io', ['https://b.io'])).toBeUndefined();
});

test('the more telling difference wins over the more used origin', () => {
  const allowed = ['https://www.shop.example', 'http://shop.example'];
  expect(nearestOrigin('https://shop.example', allowed)).toEqual({
    origin: 'http://shop.example',
    difference: 'scheme',
  });
});
