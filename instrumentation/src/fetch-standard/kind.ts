import type { Kind } from './decision.ts';
import type { Context, CorsExchange } from './observed-exchange.ts';
import { isOwnOrigin } from './origin.ts';
import { isFormContentType } from './safelist.ts';

/**
 * What kind of request this was: a preflight by its shape (Fetch §3.3.2), else by fetch metadata (Fetch
 * Metadata §2), else by comparing Origin with the server's own one. `no_cors` also stands for what carries
 * neither Origin nor metadata.
 */
export function kindOf(exchange: CorsExchange, origin: string | null, context: Context): Kind {
  const { method, request } = exchange;
  const mode = request['sec-fetch-mode'];
  if (method === 'OPTIONS' && request['access-control-request-method'] !== null) {
    // Metadata without Origin: something on the way removed it.
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
  // An extension may read what a page may not, and says `none` then.
  if (site === 'none') return 'ambiguous';
  return kindByOrigin(exchange, origin, context);
}

/** Without metadata: an insecure host, an old browser, or none. */
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

/** Undefined when the request target is no absolute URL. */
function isOwnUrl(url: string, origin: string): boolean | undefined {
  if (url.startsWith('/') || !URL.canParse(url)) return undefined;
  return new URL(url).origin === origin;
}
