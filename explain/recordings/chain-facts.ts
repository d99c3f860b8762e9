import { isRedirectStatus } from '../../instrumentation/src/fetch-standard/redirect-check.ts';
import { requestedHeaders } from '../../instrumentation/src/fetch-standard/requested-headers.ts';
import {
  headerOf,
  isPreflight,
  type RecordedExchange,
  type RecordedRequest,
  requestedMethod,
} from './recorded-request.ts';

/** What the other exchanges of a request and its page reveal about one of them. */
export interface HopFacts {
  readonly exchange: RecordedExchange;
  /** The Origin that the browser must have sent if it is a CORS request; undefined when unknown. */
  readonly origin: string | undefined;
  /** It goes to the page's own origin, like all before it; undefined when the page is unknown. */
  readonly isSameOrigin: boolean | undefined;
  /** Another exchange shows that the request's mode is `cors`. */
  readonly isCorsMode: boolean;
  /** A preflight shows that the page set If-None-Match or If-Modified-Since itself. */
  readonly isConditionalByPage: boolean;
  /** The same request was sent again, so this response was not final. */
  readonly isAskedAgain: boolean;
  /** The browser continued: it sent the request after this preflight, or followed this redirect. */
  readonly isPassed: boolean;
}

/** Collects for each exchange what the page and the other exchanges reveal. */
export function chainFacts({ origin, mode, exchanges }: RecordedRequest): readonly HopFacts[] {
  const isCorsMode =
    mode === 'cors' || exchanges.some(({ request }) => isPreflight(request) || isPageInCorsMode(request));
  const isConditionalByPage = exchanges.some(
    ({ request }) => isPreflight(request) && requestsConditional(request),
  );
  const origins = originsAlong(origin, exchanges);
  return exchanges.map((exchange, i) => {
    const next = exchanges[i + 1];
    const isFollowed = next !== undefined && next.response.status !== undefined;
    return {
      exchange,
      isCorsMode,
      isConditionalByPage,
      isAskedAgain: isFollowed && isSameRequest(exchange, next),
      isPassed: isFollowed && leadsTo(exchange, next),
      ...(origins[i] ?? UNKNOWN_PAGE),
    };
  });
}

/** Whether a browser sends `next` only because `one` was allowed. */
function leadsTo(one: RecordedExchange, next: RecordedExchange): boolean {
  const asked = requestedMethod(one.request);
  if (asked !== undefined) return !isPreflight(next.request) && next.request.method === asked;
  const { status, headers } = one.response;
  return isRedirectStatus(status) && headerOf(headers, 'location') !== undefined && !isSameRequest(one, next);
}

type PageFacts = Pick<HopFacts, 'origin' | 'isSameOrigin'>;
const UNKNOWN_PAGE: PageFacts = { origin: undefined, isSameOrigin: undefined };

/**
 * Once a request was redirected away from an origin that is not the page's, it has the Origin `null`
 * (https://fetch.spec.whatwg.org/#concept-request-tainted-origin); and once it left the page's origin, it
 * stays a CORS request.
 */
function originsAlong(
  page: string | undefined,
  exchanges: readonly RecordedExchange[],
): readonly PageFacts[] {
  const pageOrigin = page === undefined ? undefined : page === 'null' ? 'null' : originOf(page);
  if (pageOrigin === undefined) return [];
  let last: string | undefined;
  let isTainted = false;
  let hasLeft = false;
  return exchanges.map(({ request }) => {
    const target = originOf(request.url);
    if (target === undefined) return UNKNOWN_PAGE;
    if (last !== undefined && target !== last && pageOrigin !== last) isTainted = true;
    last = target;
    if (target !== pageOrigin) hasLeft = true;
    return { origin: isTainted ? 'null' : pageOrigin, isSameOrigin: !hasLeft };
  });
}

/** The serialised origin; undefined when the text is not an absolute URL. */
function originOf(url: string): string | undefined {
  return url.startsWith('/') || !URL.canParse(url) ? undefined : new URL(url).origin;
}

function requestsConditional({ headers }: RecordedExchange['request']): boolean {
  const { names } = requestedHeaders(headerOf(headers, 'access-control-request-headers') ?? null);
  return names.some((name) => CONDITIONAL.has(name));
}

const CONDITIONAL: ReadonlySet<string> = new Set(['if-none-match', 'if-modified-since']);

/** Requests of extensions have the site `none`, and may read what a page may not. */
function isPageInCorsMode({ headers }: RecordedExchange['request']): boolean {
  return headerOf(headers, 'sec-fetch-mode') === 'cors' && headerOf(headers, 'sec-fetch-site') !== 'none';
}

function isSameRequest({ request: one }: RecordedExchange, { request: other }: RecordedExchange): boolean {
  return (
    one.method === other.method && one.url === other.url && requestedMethod(one) === requestedMethod(other)
  );
}
