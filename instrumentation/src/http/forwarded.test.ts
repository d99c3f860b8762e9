import { expect, test } from 'vitest';
import { readRawHeaders } from '../fetch-standard/header-list.ts';
import { readForwarded } from './forwarded.ts';

test.each([
  [
    'X-Forwarded-*',
    ['X-Forwarded-For', '203.0.113.7', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'api.example'],
    { client: '203.0.113.7', scheme: 'https', host: 'api.example' },
  ],
  [
    'Forwarded with quotes and a port',
    ['Forwarded', 'For="[2001:db8::7]:4711";Proto=HTTPS;host="api.example:8443"'],
    { client: '2001:db8::7', scheme: 'https', host: 'api.example:8443' },
  ],
  ['an IPv4 address with a port', ['X-Forwarded-For', '203.0.113.7:4711'], { client: '203.0.113.7' }],
  ['a bare IPv6 address', ['X-Forwarded-For', '2001:db8::7'], { client: '2001:db8::7' }],
  ['a hidden client', ['Forwarded', 'for=_secret'], {}],
  ['an unknown scheme', ['X-Forwarded-Proto', 'gopher'], {}],
  ['nonsense', ['Forwarded', ';;=,"'], {}],
])('%s', (_name, raw, expected) => {
  expect(readForwarded(readRawHeaders(raw), true)).toEqual({
    client: undefined,
    scheme: undefined,
    host: undefined,
    ...expected,
  });
});

test('with n proxies of our own, what a client wrote before them is not believed', () => {
  const headers = readRawHeaders(['X-Forwarded-For', '6.6.6.6, 203.0.113.7', 'X-Forwarded-For', '10.0.0.1']);

  expect(readForwarded(headers, true).client).toBe('6.6.6.6');
  expect(readForwarded(headers, 1).client).toBe('10.0.0.1');
  expect(readForwarded(headers, 2).client).toBe('203.0.113.7');
  expect(readForwarded(headers, 9).client).toBe('6.6.6.6');
});
