import { expect, test } from 'vitest';
import { explainRequest } from '../../explain/explanation.ts';
import { readHar } from '../../explain/recordings/read-har.ts';
import type { RecordedRequest } from '../../explain/recordings/recorded-request.ts';
import { createExplanationsPage } from './recording-page.ts';

function pageOf(requests: readonly RecordedRequest[]): string {
  const page = createExplanationsPage({ color: false, width: 100 });
  return requests.map((request) => page.add(request, explainRequest(request))).join('') + page.end();
}

const entry = (method: string, path: string, status: number, answered: Record<string, string> = {}) => ({
  request: {
    method,
    url: `https://api.example${path}`,
    headers: Object.entries({
      ...(status > 0 && {
        host: 'api.example',
        origin: 'https://app.example',
        'sec-fetch-mode': 'cors',
        'sec-fetch-site': 'cross-site',
      }),
      referer: 'https://app.example/',
      'x-tenant': '7',
    }).map(([name, value]) => ({ name, value })),
  },
  response: {
    status,
    headers: Object.entries(answered).map(([name, value]) => ({ name, value })),
    ...(status > 0 ? {} : { _failureText: 'net::ERR_FAILED' }),
  },
});

const har = (creator: string, ...entries: unknown[]) =>
  readHar({ log: { creator: { name: creator }, browser: { name: 'chromium' }, entries } }, 'a.har');

test('what Playwright leaves out is said once, with a command for each request', () => {
  const page = pageOf(
    har(
      'Playwright',
      entry('GET', '/a', -1),
      entry('PUT', '/b', -1),
      entry('GET', '/a', -1),
      entry('GET', '/a', -1),
    ),
  );
  expect(page.match(/recordHar keeps neither/g)).toHaveLength(1);
  expect(page).toContain(
    "ask     originscope probe https://api.example/a --origin https://app.example -H 'x-tenant: 7'",
  );
  expect(page).toContain(
    'ask     originscope probe https://api.example/b --origin https://app.example --method PUT',
  );
  expect(page).toContain('2 more like this: unknown  GET https://api.example/a');
  expect(page).not.toContain('means');
  expect(page).toContain('4 requests: 0 allowed, 0 blocked, 4 unknown');
});

test('equal requests are shown once and counted', () => {
  const page = pageOf(
    har(
      'WebInspector',
      ...Array.from({ length: 5 }, () => entry('GET', '/a', 200, { date: 'x' })),
      entry('GET', '/b', 200, { date: 'x' }),
    ),
  );
  expect(page.match(/step {4}Fetch standard/g)).toHaveLength(2);
  expect(page).toContain('4 more like this: blocked  GET https://api.example/a');
  expect(page).toContain('6 requests: 0 allowed, 6 blocked, 0 unknown');
});

test('a single request is shown in full', () => {
  expect(
    pageOf(har('', entry('GET', '/a', 200, { 'access-control-allow-origin': 'https://app.example' }))),
  ).toContain('1. CORS request');
});
