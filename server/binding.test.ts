import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { shownUrl } from './binding.ts';

test('a server on all addresses is shown under the name of the machine', () => {
  expect(shownUrl('http://127.0.0.1:4318', '0.0.0.0')).toBe(`http://${hostname()}:4318`);
  expect(shownUrl('http://[::1]:4318', '::')).toBe(`http://${hostname()}:4318`);
  expect(shownUrl('http://127.0.0.1:4318', '127.0.0.1')).toBe('http://127.0.0.1:4318');
});
