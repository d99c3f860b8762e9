import type { Kind } from './decision.ts';
import type { Context, CorsExchange } from './observed-exchange.ts';
import { isOwnOrigin } from './origin.ts';
import { isFormContentType } from './safelist.ts';

/**
 * Classifies a request: as a preflight by its form (https://fetch.spec.whatwg.org/#cors-preflight-request),
 * else by fetch metadata (https://w3c.github.io/webappsec-fetch-metadata/), else by comparing Origin with
 * the server's own origin. `no_cors` also covers requests with neither Origin nor metadata.
 */
export function kindOf(exchange: CorsExchange, origin: string | null, context: Context): Kind {
  const { method, request } = exchange;
  const mode = request['sec-fetch-mode'];
  if (method === 'OPTIONS' && request['access-control-request-method'] !== null) {
    // Metadata without Origin: the header was removed in transit.
    if (origin !== null || mode === 'cors') return 'preflight';
  }
  if (request.upgrade?.toLowerCase() === 'websocket') return 'websocket';
  if (mode === 'no-cors') return 'no_cors';
  if (mode === 'navigate') return 'navigation';
  if (mode === 'websocket') return 'websocket';
  if (mode === 'same-origin') return 'same_origin';
  const site = request['sec-fetch-site'];
  if (site === 'same-origin') return 'same_origin';
  if (mode === 'cors' && (site === 'cross-site' || site === 'same-site')) return 'actual';
  if (origin === null) return mode === 'cors' ? 'same_origin' : 'no_cors';
  // An extension may read what a page may not; its requests carry the site `none`.
  if (site === 'none') return 'ambiguous';
  return kindByOrigin(exchange, origin, context);
}

/** Without metadata: an insecure host, an old browser, or a client that is not a browser. */
function kindByOrigin(exchange: CorsExchange, origin: string, context: Context): Kind {
  const own = context.ownOrigin;
  const isOwn = own === undefined ? isOwnUrl(exchange.url, origin) : isOwnOrigin(origin, own);
  if (isOwn) return 'same_origin';
  // With GET and HEAD only CORS requests carry an Origin.
  if (exchange.method === 'GET' || exchange.method === 'HEAD') return 'actual';
  if (isOwn === undefined) return 'ambiguous';
  if (exchange.method !== 'POST') return 'actual';
  const contentType = exchange.request['content-type'];
  return contentType === null || isFormContentType(contentType) ? 'ambiguous' : 'actual';
}

/** Undefined when the request target is not an absolute URL. */
function isOwnUrl(url: string, origin: string): boolean | undefined {
  if (url.startsWith('/') || !URL.canParse(url)) return undefined;
  return new URL(url).origin === origin;
}
