import { STORAGE_ACCESS_SINCE } from '../instrumentation/src/fetch-standard/credentials.ts';
import { decide } from '../instrumentation/src/fetch-standard/decide.ts';
import type { Exchange, HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';
import { DEFAULT_MAX_AGE } from '../instrumentation/src/fetch-standard/max-age.ts';
import { durationText } from './duration-text.ts';
import { explainRequest } from './explanation.ts';

/** How browsers treat the same response, in words. */
export interface BrowserDifference {
  readonly about: string;
  readonly standard: string;
  readonly chrome: string;
  readonly firefox: string;
  readonly safari: string;
}

const PAGE = 'https://app.example';
const API = 'https://api.example/orders';
const ALLOW_PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
const ALLOW_ALL_METHODS = ['Access-Control-Allow-Methods', '*'] as const;
const maxAge = (value: string) => ['Access-Control-Max-Age', value] as const;

/** Where browsers differ from each other or from the standard, computed by the rules themselves. */
export function browserDifferences(): readonly BrowserDifference[] {
  const password = exchange('GET', ['Location', 'https://user@api.example/']);
  const authorization = exchange(
    'OPTIONS',
    ['Access-Control-Allow-Origin', '*'],
    ['Access-Control-Allow-Headers', '*'],
  );
  return [
    {
      ...kept(ALLOW_PUT, maxAge('99999999')),
      about: 'A preflight is cached, regardless of Access-Control-Max-Age, for at most',
      standard: 'up to the browser',
    },
    {
      ...kept(ALLOW_PUT),
      about: '… without Access-Control-Max-Age, for',
      standard: durationText(DEFAULT_MAX_AGE),
    },
    {
      ...kept(ALLOW_PUT, maxAge('10m')),
      about: '… with an Access-Control-Max-Age that is not a number, such as `10m`, for',
      standard: durationText(DEFAULT_MAX_AGE),
    },
    {
      ...kept(ALLOW_PUT, maxAge('+600')),
      about: '… with an Access-Control-Max-Age that has a sign, such as `+600`, for',
      standard: durationText(DEFAULT_MAX_AGE),
    },
    {
      ...kept(ALLOW_PUT, maxAge('9223372036854775808')),
      about: '… with an Access-Control-Max-Age that exceeds 63 bits, for',
      standard: 'up to the browser',
    },
    {
      about: '… also for fetch with `cache: "no-store"`',
      standard: 'yes',
      chrome: 'no',
      firefox: 'no',
      safari: 'yes',
    },
    {
      ...kept(ALLOW_ALL_METHODS, maxAge('600')),
      about: '… of 10 minutes, where `*` alone allows the method or a header, for',
      standard: durationText(600),
    },
    {
      about: '`Authorization` that only `*` allows is',
      standard: verdict(authorization, 'spec'),
      chrome: `${verdict(authorization, 'browser')}, with a warning`,
      firefox: `${verdict(authorization, 'browser')}, with a warning`,
      safari: verdict(authorization, 'browser'),
    },
    {
      about: 'A same-origin redirect to a URL with a user name or password is',
      standard: verdict(password, 'spec'),
      chrome: verdict(password, 'browser'),
      firefox: verdict(password, 'spec'),
      safari: verdict(password, 'spec'),
    },
    {
      about: 'After a redirect, a request that had a preflight has another one',
      standard: 'if it needs one',
      chrome: 'if it needs one',
      firefox: 'always',
      safari: 'always',
    },
    {
      about: 'The preflight after a redirect between foreign origins has the Origin',
      standard: '`null`',
      chrome: '`null`',
      firefox: "the page's",
      safari: '`null`',
    },
    {
      about: 'A client hint that the page sets (`Save-Data`, `DPR`, `Width`, `ECT` …) needs a preflight',
      standard: 'yes',
      chrome: 'no',
      firefox: 'yes',
      safari: 'yes',
    },
    {
      about: 'A redirect with an empty `Location` is',
      standard: 'repeated until it fails',
      chrome: 'delivered as a response',
      firefox: 'repeated until it fails',
      safari: 'a failure',
    },
    {
      about: 'The request after a redirect to another origin has fetch metadata (`Sec-Fetch-…`)',
      standard: 'yes',
      chrome: 'yes',
      firefox: 'yes',
      safari: 'no',
    },
    {
      about: '`Sec-Fetch-Storage-Access` shows that a cross-site request has credentials',
      standard: 'on the request',
      chrome: `on the request, since ${STORAGE_ACCESS_SINCE}`,
      firefox: 'on the request and its preflight',
      safari: 'not at all',
    },
  ];
}

/** How long a preflight for PUT is cached. */
function kept(...answered: HeaderList): Pick<BrowserDifference, 'chrome' | 'firefox' | 'safari'> {
  const asked: HeaderList = [
    ['Origin', PAGE],
    ['Access-Control-Request-Method', 'PUT'],
  ];
  const request = { method: 'OPTIONS', url: API, headers: asked };
  const response = { status: 204, headers: [['Access-Control-Allow-Origin', '*'] as const, ...answered] };
  const [decision] = explainRequest({ credentials: 'omit', exchanges: [{ request, response }] }).decisions;
  const seconds = decision?.preflightCacheSeconds;
  if (seconds === undefined) throw new Error('the preflight of the example is blocked');
  return {
    chrome: durationText(seconds.chrome),
    firefox: durationText(seconds.firefox),
    safari: durationText(seconds.safari),
  };
}

/** A same-origin request that is redirected, or a preflight that requests `Authorization`. */
function exchange(method: 'GET' | 'OPTIONS', ...answered: HeaderList): Exchange {
  const isPreflight = method === 'OPTIONS';
  const headers: HeaderList = isPreflight
    ? [
        ['Origin', PAGE],
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'authorization'],
      ]
    : [
        ['Sec-Fetch-Mode', 'cors'],
        ['Sec-Fetch-Site', 'same-origin'],
      ];
  return {
    request: { method, url: API, headers },
    response: { status: isPreflight ? 204 : 302, headers: answered },
  };
}

function verdict(one: Exchange, profile: 'browser' | 'spec'): string {
  return decide(one, { profile, credentials: 'omitted' }).verdict;
}
