import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import {
  isSafelistedMethod,
  unsafeRequestHeaderNames,
} from '../../instrumentation/src/fetch-standard/safelist.ts';

/** What a page asks for with `fetch`. */
export interface PageRequest {
  /** Serialised, or `null`. */
  readonly origin: string;
  readonly url: string;
  readonly method: string;
  /** What the page sets itself. */
  readonly headers: HeaderList;
  /** The credentials mode is `include`. */
  readonly credentials: boolean;
}

/** What goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
}

/** One step along redirects: what is asked now, and whether it is a CORS request by now. */
export interface Hop extends PageRequest {
  readonly isCors: boolean;
  readonly pageOrigin: string;
}

/** HTTP-network-or-cache fetch adds the cookies; they are no header that a page sets. */
function isCookie([name]: HeaderList[number]): boolean {
  return name.toLowerCase() === 'cookie';
}

/** Fetch §4.4 "HTTP fetch" step 3: by its method or one of its headers a request is not a simple one. */
export function needsPreflight({ isCors, method, headers }: Hop): boolean {
  return isCors && (!isSafelistedMethod(method) || unsafeNames(headers).length > 0);
}

/** Fetch §4.8 "CORS-preflight fetch" steps 1 to 6. */
export function preflightOf(hop: Hop): WireRequest {
  const names = unsafeNames(hop.headers);
  return {
    method: 'OPTIONS',
    url: hop.url,
    headers: [
      ['Accept', '*/*'],
      ['Access-Control-Request-Method', hop.method],
      ...(names.length > 0 ? ([['Access-Control-Request-Headers', names.join(',')]] as const) : []),
      ['Origin', hop.origin],
      ...fetchMetadata(hop),
    ],
  };
}

/** Fetch §4.6 "HTTP-network-or-cache fetch": what the page set, and what a browser adds. */
export function requestOf(hop: Hop): WireRequest {
  const { method, url, headers, credentials, isCors } = hop;
  const sent = credentials || !isCors ? headers : headers.filter((header) => !isCookie(header));
  const isSafe = method === 'GET' || method === 'HEAD';
  return {
    method,
    url,
    headers: [
      ...(headers.some(([name]) => name.toLowerCase() === 'accept') ? [] : ([['Accept', '*/*']] as const)),
      ...sent,
      ...(isCors || !isSafe ? ([['Origin', hop.origin]] as const) : []),
      ...fetchMetadata(hop),
    ],
  };
}

/** HTTP-redirect fetch (Fetch §4.5): the hop after this one, given where it leads. */
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
  // "Redirect-tainted origin" (Fetch §2.2.5).
  const isTainted = leaves && hop.pageOrigin !== from;
  return {
    ...hop,
    url: target.href,
    method: becomesGet ? 'GET' : hop.method,
    headers,
    origin: isTainted ? 'null' : hop.origin,
    isCors: hop.isCors || target.origin !== hop.pageOrigin,
  };
}

const BODY_HEADERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
]);

function unsafeNames(headers: HeaderList): readonly string[] {
  return unsafeRequestHeaderNames(headers.filter((header) => !isCookie(header)));
}

/** Fetch Metadata §2: to trustworthy URLs only. */
function fetchMetadata({ url, pageOrigin, isCors }: Hop): HeaderList {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !isLocalhost(hostname)) return [];
  return [
    ['Sec-Fetch-Site', isCors ? siteOf(url, pageOrigin) : 'same-origin'],
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

/** Without the list of public suffixes hosts of one site that stand side by side cannot be told from strangers. */
function siteOf(url: string, pageOrigin: string): 'same-site' | 'cross-site' {
  if (!URL.canParse(pageOrigin)) return 'cross-site';
  const page = new URL(pageOrigin);
  const target = new URL(url);
  const isUnder = (one: string, other: string) => one === other || one.endsWith(`.${other}`);
  const isSame =
    page.protocol === target.protocol &&
    (isUnder(page.hostname, target.hostname) || isUnder(target.hostname, page.hostname));
  return isSame ? 'same-site' : 'cross-site';
}
