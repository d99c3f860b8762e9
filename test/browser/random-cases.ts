import fc from 'fast-check';
import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { type Answer, type BrowserCase, type Hop, PAGES } from './browser-case.ts';

/**
 * Random cases: often several faults at once, and mostly nearly correct responses. Deterministic for a
 * seed.
 */
export function randomCases(count: number, seed: number): readonly BrowserCase[] {
  return fc.sample(browserCase, { numRuns: count, seed }).map((one, index) => ({
    ...one,
    name: `random ${index} of seed ${seed}`,
  }));
}

const maybe = <T>(percent: number, arbitrary: fc.Arbitrary<T>, otherwise: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: percent, arbitrary }, { weight: 100 - percent, arbitrary: fc.constant(otherwise) });

/** Whitespace that HTTP strips at the ends of a value, and servers send. */
const space = maybe(8, fc.constantFrom(' ', '  ', '\t', ' \t '), '');
const padded = (value: fc.Arbitrary<string>) => fc.tuple(space, value, space).map((parts) => parts.join(''));

/** Randomly cased header names: they mean the same. */
const named = (name: string, value: fc.Arbitrary<string>) =>
  fc.tuple(maybe(20, fc.constantFrom(name.toLowerCase(), name.toUpperCase()), name), padded(value));

/** Absent, once, or repeated. */
const header = (name: string, value: fc.Arbitrary<string>, present: number): fc.Arbitrary<HeaderList> =>
  fc.oneof(
    { weight: 100 - present, arbitrary: fc.constant([]) },
    { weight: present, arbitrary: named(name, value).map((one) => [one]) },
    { weight: 4, arbitrary: fc.array(named(name, value), { minLength: 2, maxLength: 3 }) },
  );

const visible = fc.string({
  unit: fc
    .oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
      { weight: 1, arbitrary: fc.constantFrom(0x20, 0x09, 0x01, 0x0b, 0x1b, 0x7f) },
      { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
    )
    .map((code) => String.fromCharCode(code)),
  maxLength: 12,
});

const allowOrigin = fc.oneof(
  { weight: 55, arbitrary: fc.constant('{page}') },
  { weight: 18, arbitrary: fc.constant('*') },
  {
    weight: 24,
    arbitrary: fc.constantFrom(
      'null',
      'NULL',
      '{page}/',
      '{page},{page}',
      '{page} http://other.example',
      '{page}\thttp://other.example',
      'http://other.example',
      'https://a.localhost',
      'a.localhost',
      'a.localhost:80',
      'HTTP://A.LOCALHOST',
      '*.localhost',
      'http://*.localhost',
      '**',
      '*,*',
      '',
      'true',
      'http://',
      'http://[::1',
      'http://a b',
      'http://%zz',
      'javascript:0',
      '/relative',
      '//a.localhost',
      '"{page}"',
      '{page}:80',
      'file://',
      'http:a.localhost',
    ),
  },
  { weight: 3, arbitrary: visible },
);
const allowCredentials = fc.oneof(
  { weight: 80, arbitrary: fc.constant('true') },
  {
    weight: 20,
    arbitrary: fc.constantFrom('True', 'TRUE', 'false', '', '1', '"true"', 'true;', 'true, true', 't'),
  },
);
const listOf = (element: fc.Arbitrary<string>) =>
  fc
    .tuple(
      fc.array(element, { maxLength: 5 }),
      fc.constantFrom(', ', ',', ' , ', ',,', '\t,'),
      maybe(4, visible, ''),
    )
    .map(([elements, comma, rest]) => elements.join(comma) + rest);
const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'patch', 'Custom', 'x-y'];
const NAMES = ['x-a', 'x-b', 'content-type', 'authorization', 'traceparent', 'range', 'accept'];
const malformed = fc.constantFrom(
  ' ',
  'PUT;DELETE',
  'PUT DELETE',
  '"PUT"',
  "'PUT'",
  'x:y',
  'PUT/1',
  '(x)',
  "'a,b'",
  '@',
);
const methodList = listOf(
  fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...METHODS, 'put', 'Put') },
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: malformed },
  ),
);
const headerNameList = listOf(
  fc.oneof(
    { weight: 24, arbitrary: fc.constantFrom(...NAMES, 'X-A', 'Content-Type', 'AUTHORIZATION') },
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: malformed },
  ),
);
const allMethods = METHODS.join(', ');
const allNames = NAMES.join(', ');

const corsHeaders: fc.Arbitrary<HeaderList[]> = fc.tuple(
  header('Access-Control-Allow-Origin', allowOrigin, 92),
  header('Access-Control-Allow-Credentials', allowCredentials, 70),
);

/** At most one: two different ones are an invalid message, which Chromium rejects before CORS. */
const location = (present: number): fc.Arbitrary<HeaderList> =>
  maybe(
    present,
    named('Location', fc.constantFrom('/elsewhere', 'http://b.localhost/', '{next}', '')).map((one) => [one]),
    [],
  );

const preflightStatus = fc.oneof(
  { weight: 88, arbitrary: fc.tuple(fc.constantFrom(200, 204), location(3)) },
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(300, 301, 302, 303, 304, 307, 308), location(80)) },
  {
    weight: 7,
    arbitrary: fc.tuple(fc.constantFrom(201, 226, 299, 400, 401, 403, 404, 405, 500, 503), location(5)),
  },
);

const preflight: fc.Arbitrary<Answer> = fc
  .tuple(
    preflightStatus,
    corsHeaders,
    header('Access-Control-Allow-Methods', maybe(40, methodList, allMethods), 90),
    header('Access-Control-Allow-Headers', maybe(40, headerNameList, allNames), 90),
    header('Access-Control-Max-Age', fc.constantFrom('0', '600', '-1', 'x'), 20),
  )
  .map(([[status, to], cors, ...others]) => ({ status, headers: [...to, ...[...cors, ...others].flat()] }));

const actual: fc.Arbitrary<Answer> = fc
  .tuple(
    fc.oneof(
      { weight: 85, arbitrary: fc.constantFrom(200, 201, 204, 206) },
      { weight: 15, arbitrary: fc.constantFrom(300, 304, 400, 401, 403, 404, 429, 500, 502) },
    ),
    corsHeaders,
    header('Vary', fc.constantFrom('Origin', '*', 'Accept'), 40),
    header('Access-Control-Expose-Headers', headerNameList, 10),
  )
  .map(([status, cors, ...others]) => ({ status, headers: [...cors, ...others].flat() }));

const redirecting: fc.Arbitrary<Answer> = fc
  .tuple(
    fc.constantFrom(301, 302, 303, 307, 308),
    corsHeaders,
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('{next}') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'http://user@{next-host}',
          'http://user:secret@{next-host}',
          'http://:@{next-host}',
          'ftp://other.example/',
          'foo:bar',
        ),
      },
    ),
  )
  .map(([status, cors, location]) => ({ status, headers: [...cors.flat(), ['Location', location]] }));

const finalHop: fc.Arbitrary<Hop> = fc.record({
  host: fc.constantFrom('api', 'api', 'third', 'page'),
  preflight,
  actual,
});
const redirectingHop: fc.Arbitrary<Hop> = fc.record({
  host: fc.constantFrom('api', 'api', 'third', 'page'),
  preflight,
  actual: redirecting,
});
const hops = fc.oneof(
  { weight: 80, arbitrary: finalHop.map((hop): BrowserCase['hops'] => [{ ...hop, host: 'api' }]) },
  { weight: 5, arbitrary: finalHop.map((hop): BrowserCase['hops'] => [hop]) },
  { weight: 12, arbitrary: fc.tuple(redirectingHop, finalHop) },
  { weight: 3, arbitrary: fc.tuple(redirectingHop, redirectingHop, finalHop) },
);

const requestHeaders = fc.uniqueArray(
  fc.constantFrom<[string, string]>(
    ['X-A', '1'],
    ['x-b', ''],
    ['Content-Type', 'application/json'],
    ['Content-Type', 'text/plain;charset=UTF-8'],
    ['Content-Type', 'text/plain; x="'],
    ['Authorization', 'Bearer x'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['Range', 'bytes=0-5'],
    ['Range', 'bytes=-5'],
    ['Accept', 'application/json'],
    ['Accept', '('],
    ['Accept-Language', 'de'],
  ),
  { maxLength: 3, selector: ([name]) => name.toLowerCase() },
);

const browserCase: fc.Arbitrary<Omit<BrowserCase, 'name'>> = fc
  .record({
    page: fc.oneof(
      { weight: 6, arbitrary: fc.constant(PAGES[0]) },
      { weight: 2, arbitrary: fc.constantFrom(...PAGES) },
    ),
    method: maybe(60, fc.constantFrom(...METHODS), 'GET'),
    headers: maybe(60, requestHeaders, []),
    mode: maybe(4, fc.constantFrom('no-cors' as const, 'same-origin' as const), 'cors' as const),
    credentials: fc.constantFrom('omit', 'same-origin', 'include'),
    cookie: fc.boolean(),
    hops,
  })
  .map((one) => {
    const hasBody = one.method !== 'GET' && one.method !== 'HEAD';
    const mode = isModeOnly(one.mode, one) ? 'cors' : one.mode;
    return { ...one, mode, ...(hasBody && { body: 'body' }) };
  });

/** Requests that a browser blocks for their mode alone, independent of CORS. */
function isModeOnly(mode: string, { method, hops }: Pick<BrowserCase, 'method' | 'hops'>): boolean {
  if (mode === 'no-cors') return !['GET', 'HEAD', 'POST'].includes(method);
  return mode === 'same-origin' && (hops.length > 1 || hops[0].host !== 'page');
}
