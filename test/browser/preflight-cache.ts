import type { Browser } from '../../explain/browsers.ts';
import { explainRequest } from '../../explain/explanation.ts';
import { asRecordedRequest } from '../../explain/recordings/read-line.ts';
import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Answerer } from './answerer.ts';
import type { BrowserCase } from './browser-case.ts';

const maxAge = (value: string) => ['Access-Control-Max-Age', value] as const;
const PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
const X_A = ['Access-Control-Allow-Headers', 'x-a'] as const;

/** Valid preflight responses that browsers cache or do not cache. */
const ANSWERS: readonly HeaderList[] = [
  [PUT, X_A],
  [PUT, X_A, maxAge('600')],
  [PUT, X_A, maxAge('00600')],
  [PUT, X_A, maxAge('0')],
  [PUT, X_A, maxAge('-1')],
  [PUT, X_A, maxAge('')],
  [PUT, X_A, maxAge('600s')],
  [PUT, X_A, maxAge('1.5')],
  [PUT, X_A, maxAge('+600')],
  [PUT, X_A, maxAge('+0')],
  [PUT, X_A, maxAge('9223372036854775808')],
  [PUT, X_A, maxAge('-9223372036854775808')],
  [PUT, X_A, maxAge('-9223372036854775809')],
  [PUT, X_A, maxAge('600'), maxAge('600')],
  [['Access-Control-Allow-Methods', '*'], X_A, maxAge('600')],
  [PUT, ['Access-Control-Allow-Headers', '*'], maxAge('600')],
];

/**
 * Lets a page send a request twice, and compares the number of preflights with the caching time that
 * `explain` predicts.
 *
 * @param evaluate runs an expression in a page of the plain kind
 * @returns the disagreements
 */
export async function checkPreflightCache(
  browser: Browser,
  answerer: Answerer,
  evaluate: (expression: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [index, headers] of ANSWERS.entries()) {
    const allowed = [['Access-Control-Allow-Origin', '*'] as const];
    const browserCase: BrowserCase = {
      name: JSON.stringify(headers),
      page: 'plain',
      method: 'PUT',
      headers: [['X-A', '1']],
      credentials: 'omit',
      cookie: false,
      hops: [
        {
          host: 'api',
          preflight: { status: 204, headers: [...allowed, ...headers] },
          actual: { status: 200, headers: allowed },
        },
      ],
    };
    const id = 20_000 + index;
    const url = JSON.stringify(answerer.prepare(id, browserCase));
    const init = "{ method: 'PUT', headers: { 'X-A': '1' }, credentials: 'omit' }";
    const once = `fetch(${url}, ${init}).then((response) => response.text(), () => {})`;
    await evaluate(`${once}.then(() => ${once}).then(() => true)`);
    const exchanges = answerer.take(id);
    const asked = exchanges.filter(({ request }) => request.method === 'OPTIONS').length;
    const [decision] = explainRequest(asRecordedRequest({ credentials: 'omit', exchanges })).decisions;
    const seconds = decision?.preflightCacheSeconds?.[browser];
    const isKept = seconds === undefined ? undefined : seconds > 0;
    if (isKept !== (asked === 1))
      wrong.push(`${browserCase.name}: ${asked} preflights, we said ${seconds} s`);
  }
  return wrong;
}
