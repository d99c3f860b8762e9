import { expect, test } from 'vitest';
import { renderExplanation } from '../cli/pages/explanation-page.ts';
import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';
import { explainRequest } from './explanation.ts';
import type { RecordedRequest } from './recordings/recorded-request.ts';

/** A preflight for PUT with `x-a`. */
function preflight(...answered: HeaderList): RecordedRequest {
  const asked: HeaderList = [
    ['Origin', 'https://app.example'],
    ['Access-Control-Request-Method', 'PUT'],
    ['Access-Control-Request-Headers', 'x-a'],
  ];
  const request = { method: 'OPTIONS', url: 'https://api.example/', headers: asked };
  const headers: HeaderList = [['Access-Control-Allow-Origin', '*'], ...answered];
  return { credentials: 'omit', exchanges: [{ request, response: { status: 204, headers } }] };
}

const PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
const X_A = ['Access-Control-Allow-Headers', 'X-A'] as const;
const maxAge = (value: string) => ['Access-Control-Max-Age', value] as const;

test.each<[what: string, answered: HeaderList, seconds: [chrome: number, firefox: number, safari: number]]>([
  ['is cached for its max-age', [PUT, X_A, maxAge('60')], [60, 60, 60]],
  ["is cached up to each browser's limit", [PUT, X_A, maxAge('999999')], [7_200, 86_400, 600]],
  ['without max-age is cached for 5 seconds', [PUT, X_A], [5, 5, 5]],
  ['may not be cached', [PUT, X_A, maxAge('0')], [0, 0, 0]],
  ['is not cached by Firefox if max-age is not a number', [PUT, X_A, maxAge('1h')], [5, 0, 5]],
  ['is not cached by Firefox if max-age has a sign', [PUT, X_A, maxAge('+600')], [600, 0, 600]],
  [
    'is cached by Firefox alone if max-age exceeds 63 bits',
    [PUT, X_A, maxAge('9223372036854775808')],
    [5, 86_400, 5],
  ],
  [
    'is not cached by Firefox if "*" allows the header',
    [PUT, ['Access-Control-Allow-Headers', '*'], maxAge('60')],
    [60, 0, 60],
  ],
  [
    'is not cached by Firefox if "*" allows the method',
    [X_A, ['Access-Control-Allow-Methods', '*'], maxAge('60')],
    [60, 0, 60],
  ],
])('a preflight %s', (_, answered, [chrome, firefox, safari]) => {
  const [decision] = explainRequest(preflight(...answered)).decisions;
  expect(decision?.preflightCacheSeconds).toEqual({ chrome, firefox, safari });
});

test('a blocked preflight is not cached by any browser', () => {
  const [decision] = explainRequest(preflight(X_A, maxAge('60'))).decisions;
  expect(decision).toMatchObject({ verdict: 'blocked' });
  expect(decision).not.toHaveProperty('preflightCacheSeconds');
});

test('the page shows how long each browser caches it, and why one does not', () => {
  const page = (...answered: HeaderList) => {
    const recorded = preflight(...answered);
    return renderExplanation(recorded, explainRequest(recorded), { color: false, width: 100 });
  };
  expect(page(PUT, X_A, maxAge('7200'))).toContain('Chrome 2 h, Firefox 2 h, Safari 10 min');
  const star = page(PUT, ['Access-Control-Allow-Headers', '*'], maxAge('90'));
  expect(star).toContain('Chrome 90 s, Firefox not at all, Safari 90 s');
  expect(star).toContain('allowed by "*" alone');
});
