import { expect, test } from 'vitest';
import { describeOrigin, kindOfOrigin } from './origin-kind.ts';

test.each([
  ['https://shop.example', 'website'],
  ['http://localhost:3000', 'local development'],
  ['http://127.0.0.1:8080', 'local development'],
  ['https://localhost', 'app shell'],
  ['capacitor://localhost', 'app shell'],
  ['http://tauri.localhost', 'app shell'],
  ['http://192.168.1.7:3000', 'private host'],
  ['http://intranet', 'private host'],
  ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'extension'],
  ['file://', 'file'],
  ['null', 'null'],
  ['(invalid) https://a.example/...', 'not a browser origin'],
])('%s is a %s', (origin, kind) => {
  expect(kindOfOrigin(origin)).toBe(kind);
});

test.each([
  ['https://shop.example', ''],
  ['https://localhost', 'a Capacitor app on Android'],
  ['capacitor://localhost', 'a Capacitor app on iOS'],
  ['ionic://localhost', 'an Ionic app on iOS'],
  ['tauri://localhost', 'a Tauri desktop app'],
  ['http://tauri.localhost', 'a Tauri desktop app'],
  ['moz-extension://0b1c2d3e-0000-4000-8000-000000000000', 'a browser extension'],
  ['file://', 'a page opened from a file'],
  ['http://localhost:3000', "a page on a developer's own machine"],
])('%s is described as %j', (origin, description) => {
  expect(describeOrigin(origin)).toBe(description);
});
