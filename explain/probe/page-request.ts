import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { isSafelistedMethod } from '../../instrumentation/src/fetch-standard/safelist.ts';
import { unsafeNamesIn } from '../browser-behaviour.ts';
import type { Browser } from '../browsers.ts';

/** A `fetch` call of a page. */
export interface PageRequest {
  /** Serialised, or `null`. */
  readonly origin: string;
  readonly url: string;
  readonly method: string;
  /** Headers set by the page. */
  readonly headers: HeaderList;
  /** The credentials mode is `include`. */
  readonly credentials: boolean;
}

/** A request on the wire. */
export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
}

/** One step of a redirect chain, as a browser sends it. */
export interface Hop extends PageRequest {
  readonly browser: Browser;
  /** It is a CORS request by now. */
  readonly isCors: boolean;
  readonly pageOrigin: string;
  /** A redirect led here. */
  readonly previous?: {
    /** The header names that the preflight before the redirect requested; undefined when there was none. */
    readonly preflightNames: readonly string[] | undefined;
    readonly isOtherOrigin: boolean;
  };
}

/** The first step of a page's request. */
export function firstHop(page: PageRequest, browser: Browser): Hop {
  return { ...page, browser, pageOrigin: page.origin, isCors: new URL(page.url).origin !== page.origin };
}

/** Cookies are added by the HTTP-network-or-cache fetch, not by the page. */
function isCookie([name]: HeaderList[number]): boolean {
  return name.toLowerCase() === 'cookie';
}

/**
 * Whether method or headers require a preflight: https://fetch.spec.whatwg.org/#http-fetch. Firefox and Safari
 * send another one after each redirect of a request that had one.
 */
export function needsPreflight(hop: Hop): boolean {
  const isRepeated = hop.browser !== 'chrome' && hop.previous?.preflightNames !== undefined;
  return hop.isCors && (isRepeated || !isSafelistedMethod(hop.method) || unsafeNames(hop).length > 0);
}

/** Creates the request of https://fetch.spec.whatwg.org/#cors-preflight-fetch */
export function preflightOf(hop: Hop): WireRequest {
  const names = requestedNames(hop);
  return {
    method: 'OPTIONS',
    url: hop.url,
    headers: [
      ['Accept', '*/*'],
      ['Access-Control-Request-Method', hop.method],
      ...(names.length > 0 ? ([['Access-Control-Request-Headers', names.join(',')]] as const) : []),
      // Firefox does not apply https://fetch.spec.whatwg.org/#concept-request-tainted-origin to preflights.
      ['Origin', hop.browser === 'firefox' ? hop.pageOrigin : hop.origin],
      ...fetchMetadata(hop),
    ],
  };
}

/** Safari repeats the names of the preflight before a redirect, also those of headers that it removed. */
function requestedNames(hop: Hop): readonly string[] {
  const repeated = hop.browser === 'safari' ? hop.previous?.preflightNames : undefined;
  return repeated ?? unsafeNames(hop);
}

/**
 * The headers of the page plus those that a browser adds:
 * https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
export function requestOf(hop: Hop): WireRequest {
  const { method, url, headers, credentials, isCors } = hop;
  // Safari sends no fetch metadata with the request after a redirect to another origin.
  const hasMetadata = hop.browser !== 'safari' || hop.previous?.isOtherOrigin !== true;
  const sent = credentials || !isCors ? headers : headers.filter((header) => !isCookie(header));
  const isSafe = method === 'GET' || method === 'HEAD';
  return {
    method,
    url,
    headers: [
      ...(headers.some(([name]) => name.toLowerCase() === 'accept') ? [] : ([['Accept', '*/*']] as const)),
      ...sent,
      ...(isCors || !isSafe ? ([['Origin', hop.origin]] as const) : []),
      ...(hasMetadata ? fetchMetadata(hop) : []),
    ],
  };
}

/** The next hop, given the target of the redirect: https://fetch.spec.whatwg.org/#http-redirect-fetch */
export function redirected(hop: Hop, status: number, location: string): Hop {
  const target = new URL(location, hop.url);
  const from = new URL(hop.url).origin;
  const becomesGet =
    ((status === 301 || status === 302) && hop.method === 'POST') ||
    (status === 303 && hop.method !== 'GET' && hop.method !== 'HEAD');
  const leaves = target.origin !== from;
  const headers = hop.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    if (becomesGet && BODY_HEADERS.has(lower)) return false;
    return !leaves || (lower !== 'authorization' && lower !== 'cookie');
  });
  // https://fetch.spec.whatwg.org/#concept-request-tainted-origin
  const isTainted = leaves && hop.pageOrigin !== from;
  return {
    ...hop,
    url: target.href,
    method: becomesGet ? 'GET' : hop.method,
    headers,
    origin: isTainted ? 'null' : hop.origin,
    isCors: hop.isCors || target.origin !== hop.pageOrigin,
    previous: {
      preflightNames: needsPreflight(hop) ? requestedNames(hop) : undefined,
      isOtherOrigin: leaves,
    },
  };
}

const BODY_HEADERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
]);

function unsafeNames({ browser, headers }: Hop): readonly string[] {
  return unsafeNamesIn(
    browser,
    headers.filter((header) => !isCookie(header)),
  );
}

/** Sent to trustworthy URLs only: https://w3c.github.io/webappsec-fetch-metadata/ */
function fetchMetadata({ url, pageOrigin, isCors }: Hop): HeaderList {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !isLocalhost(hostname)) return [];
  return [
    ['Sec-Fetch-Site', isCors ? siteRelation(url, pageOrigin) : 'same-origin'],
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-Fetch-Dest', 'empty'],
  ];
}

export function isLocalhost(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '127.0.0.1' ||
    hostname === '[::1]'
  );
}

/** Without the public suffix list, sibling hosts of one site cannot be told from unrelated ones. */
function siteRelation(url: string, pageOrigin: string): 'same-site' | 'cross-site' {
  if (!URL.canParse(pageOrigin)) return 'cross-site';
  const page = new URL(pageOrigin);
  const target = new URL(url);
  const isUnder = (one: string, other: string) => one === other || one.endsWith(`.${other}`);
  const isSame =
    page.protocol === target.protocol &&
    (isUnder(page.hostname, target.hostname) || isUnder(target.hostname, page.hostname));
  return isSame ? 'same-site' : 'cross-site';
}
