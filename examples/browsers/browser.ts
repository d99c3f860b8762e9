import {
  type Asked,
  askedOf,
  type Block,
  corsCheck,
  get,
  isRedirect,
  preflightCheck,
} from './fetch-algorithm.ts';
import type { Ledger } from './ledger.ts';
import { PreflightCache } from './preflight-cache.ts';
import { type Answer, send } from './wire.ts';

/** A `fetch(url, init)` of a page. */
export interface FetchCall {
  readonly url: URL;
  readonly mode: 'cors' | 'no-cors' | 'same-origin';
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: 'omit' | 'same-origin' | 'include';
  readonly body?: string;
}

/** The relevant differences between browser products. */
export interface Product {
  readonly userAgent: string;
  /** The maximum time that a preflight is cached, in seconds. */
  readonly longestMaxAge: number;
  /** The brands in Sec-CH-UA; a product that has them also sends Sec-Fetch-Storage-Access. */
  readonly brands: string | undefined;
}

export const CHROMIUM: Product = {
  userAgent:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  longestMaxAge: 7_200,
  brands: '"Chromium";v="156", "Not_A Brand";v="24"',
};

export const FIREFOX: Product = {
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
  longestMaxAge: 86_400,
  brands: undefined,
};

const MAX_REDIRECTS = 20;

/** One user's browser: stores cookies and preflights, and processes responses as the standard says. */
export class Browser {
  readonly #product: Product;
  readonly #ledger: Ledger;
  readonly #preflights: PreflightCache;
  readonly #cookies = new Map<string, string>();

  constructor(product: Product, ledger: Ledger, now: () => number) {
    this.#product = product;
    this.#ledger = ledger;
    this.#preflights = new PreflightCache(product.longestMaxAge, now);
  }

  /** A script's fetch; resolves with the response visible to the script, or `null` for a TypeError. */
  async fetch(pageOrigin: string, call: FetchCall): Promise<Answer | null> {
    if (call.url.origin === pageOrigin) return this.#send(pageOrigin, call, 'same-origin');
    if (call.mode === 'same-origin') return null;
    if (call.mode === 'no-cors') {
      await this.#send(originOutsideCors(pageOrigin, call), call, 'no-cors');
      return null;
    }
    return this.#corsFetch(pageOrigin, call, 0);
  }

  /** A submitted form or a link: the response is a page, and CORS does not apply. */
  async navigate(pageOrigin: string, call: FetchCall): Promise<Answer> {
    return this.#send(originOutsideCors(pageOrigin, call), call, 'navigate');
  }

  /** https://fetch.spec.whatwg.org/#http-fetch with the CORS flag, one hop. */
  async #corsFetch(origin: string, call: FetchCall, redirects: number): Promise<Answer | null> {
    const asked = askedOf(call.method, call.headers);
    if (asked !== null && !(await this.#isPermitted(origin, call, asked))) return null;

    const sent = this.#headersOf(origin, call, 'cors');
    const answer = await send(call.url, call.method, sent, call.body);
    const check = (includesCredentials: boolean): Block | null =>
      corsCheck(origin, includesCredentials, answer.headers) ?? redirectBlock(answer, call.url);
    const includesCredentials = call.credentials === 'include';
    const block = check(includesCredentials);
    this.#ledger.note({
      service: serviceOf(call.url),
      origin,
      kind: 'actual',
      block,
      includesCredentials,
      otherwise: check(!includesCredentials),
      showsCredentials: 'cookie' in sent || this.#showsCredentials(origin, call.url),
    });
    if (block !== null) return null;
    this.#keepCookies(call, answer);
    return isRedirect(answer) ? this.#follow(origin, call, answer, redirects) : answer;
  }

  /** https://fetch.spec.whatwg.org/#cors-preflight-fetch, unless one is cached. */
  async #isPermitted(origin: string, call: FetchCall, asked: Asked): Promise<boolean> {
    const includesCredentials = call.credentials === 'include';
    const url = call.url.href;
    if (this.#preflights.covers(origin, url, includesCredentials, asked)) return true;
    const answer = await send(call.url, 'OPTIONS', {
      accept: '*/*',
      'access-control-request-method': asked.method,
      ...(asked.headerNames.length > 0 && { 'access-control-request-headers': asked.headerNames.join(',') }),
      origin,
      'user-agent': this.#product.userAgent,
      ...fetchMetadata(origin, call.url, 'cors'),
    });
    const block = preflightCheck(origin, includesCredentials, asked, answer);
    this.#ledger.note({
      service: serviceOf(call.url),
      origin,
      kind: 'preflight',
      block,
      includesCredentials,
      otherwise: preflightCheck(origin, !includesCredentials, asked, answer),
      showsCredentials: false,
    });
    if (block === null) this.#preflights.store(origin, url, includesCredentials, answer.headers);
    return block === null;
  }

  /** https://fetch.spec.whatwg.org/#http-redirect-fetch */
  async #follow(origin: string, call: FetchCall, answer: Answer, redirects: number): Promise<Answer | null> {
    if (redirects === MAX_REDIRECTS) return null;
    const url = new URL(get(answer.headers, 'location') ?? '', call.url);
    const becomesGet = answer.status === 303 || (answer.status < 303 && call.method === 'POST');
    const { body, ...rest } = call;
    const next = becomesGet ? { ...rest, url, method: 'GET', headers: {} } : { ...call, url };
    // A hop to another origin taints the request's own.
    return this.#corsFetch(url.origin === call.url.origin ? origin : 'null', next, redirects + 1);
  }

  async #send(origin: string, call: FetchCall, mode: SentMode): Promise<Answer> {
    const answer = await send(call.url, call.method, this.#headersOf(origin, call, mode), call.body);
    this.#keepCookies(call, answer);
    return answer;
  }

  #headersOf(origin: string, call: FetchCall, mode: SentMode): Record<string, string> {
    const { userAgent, brands } = this.#product;
    // https://fetch.spec.whatwg.org/#append-a-request-origin-header
    const hasOrigin = mode === 'cors' || !['GET', 'HEAD'].includes(call.method);
    const cookie = this.#cookies.get(call.url.hostname);
    const includesCredentials =
      call.credentials === 'include' || (call.credentials === 'same-origin' && mode === 'same-origin');
    return {
      accept: mode === 'navigate' ? 'text/html' : '*/*',
      'user-agent': userAgent,
      ...(brands !== undefined && { 'sec-ch-ua': brands }),
      ...call.headers,
      ...(hasOrigin && { origin }),
      ...(includesCredentials && cookie !== undefined && { cookie }),
      ...(call.credentials === 'include' &&
        brands !== undefined &&
        siteRelation(origin, call.url) === 'cross-site' && { 'sec-fetch-storage-access': 'active' }),
      ...fetchMetadata(origin, call.url, mode === 'same-origin' ? 'cors' : mode),
    };
  }

  /** Whether such a request has the header exactly when it includes credentials. */
  #showsCredentials(origin: string, url: URL): boolean {
    return (
      this.#product.brands !== undefined && origin !== 'null' && siteRelation(origin, url) === 'cross-site'
    );
  }

  #keepCookies(call: FetchCall, answer: Answer): void {
    const cookie = get(answer.headers, 'set-cookie')?.split(';')[0];
    if (cookie !== undefined && call.credentials === 'include') this.#cookies.set(call.url.hostname, cookie);
  }
}

type SentMode = 'cors' | 'no-cors' | 'same-origin' | 'navigate';

/**
 * Outside CORS an https page does not reveal its origin to an http server:
 * https://fetch.spec.whatwg.org/#append-a-request-origin-header
 */
function originOutsideCors(origin: string, { url }: FetchCall): string {
  return origin.startsWith('https://') && url.protocol !== 'https:' ? 'null' : origin;
}

function redirectBlock(answer: Answer, from: URL): Block | null {
  if (!isRedirect(answer)) return null;
  const target = new URL(get(answer.headers, 'location') ?? '', from);
  return target.username === '' && target.password === '' ? null : { reason: 'redirect_url_has_credentials' };
}

/**
 * https://w3c.github.io/webappsec-fetch-metadata/; the demo's services are on localhost, which browsers
 * trust like https.
 */
function fetchMetadata(
  origin: string,
  url: URL,
  mode: 'cors' | 'no-cors' | 'navigate',
): Record<string, string> {
  return {
    'sec-fetch-site': siteRelation(origin, url),
    'sec-fetch-mode': mode,
    'sec-fetch-dest': mode === 'navigate' ? 'document' : 'empty',
  };
}

function siteRelation(origin: string, url: URL): 'same-origin' | 'same-site' | 'cross-site' {
  if (origin === url.origin) return 'same-origin';
  if (!URL.canParse(origin)) return 'cross-site';
  const page = new URL(origin);
  const isSameSite = page.protocol === url.protocol && siteName(page.hostname) === siteName(url.hostname);
  return isSameSite ? 'same-site' : 'cross-site';
}

/** The demo's services are reached by name: `catalog.localhost`. */
export function serviceOf(url: URL): string {
  return url.hostname.split('.')[0] ?? '';
}

/** The registrable domain, for the names used in the demo: their public suffixes have one label. */
function siteName(hostname: string): string {
  return hostname.split('.').slice(-2).join('.');
}
