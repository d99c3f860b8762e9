import type { Credentials, Kind } from './decision.ts';
import type { RequestHeaders } from './header-list.ts';
import { memoize } from './memoize.ts';
import type { Context } from './observed-exchange.ts';

/** The first Chromium that sends Sec-Fetch-Storage-Access. */
export const STORAGE_ACCESS_SINCE = 133;

/**
 * Whether the request's credentials mode (https://fetch.spec.whatwg.org/#concept-request-credentials-mode)
 * was `include`, as far as a server can tell. A cross-origin cookie proves it, and so does
 * Sec-Fetch-Storage-Access, which Chromium and Firefox send with exactly the cross-site requests of that
 * mode (measured for nested frames, workers, images and event streams), Firefox with their preflights, too.
 * Its absence proves the opposite if the browser is known to send it. Origin `null` is the exception: a
 * redirect may have led the request back to the site that the user visits.
 */
export function credentialsOf(kind: Kind, request: RequestHeaders, context: Context): Credentials {
  if (context.credentials !== undefined) return context.credentials;
  if (request['sec-fetch-storage-access'] !== null) return 'included';
  if (kind === 'preflight') return 'unknown';
  if (request.cookie !== null) return 'included';
  if (context.requestHeadersCaptured === false) return 'unknown';
  const isCrossSite = request['sec-fetch-site'] === 'cross-site' && request.origin !== 'null';
  const brands = request['sec-ch-ua'];
  return isCrossSite && brands !== null && sendsStorageAccess(brands) ? 'omitted' : 'unknown';
}

/**
 * From a brand list (https://wicg.github.io/ua-client-hints/#user-agent-brands): Chromium, except for two
 * derivatives that change this.
 */
const sendsStorageAccess = memoize((brands): boolean => {
  if (brands.includes('WebView') || brands.includes('Brave')) return false;
  const start = brands.indexOf(CHROMIUM);
  if (start === -1) return false;
  const version = brands.slice(start + CHROMIUM.length, brands.indexOf('"', start + CHROMIUM.length));
  return Number(version) >= STORAGE_ACCESS_SINCE;
});

const CHROMIUM = '"Chromium";v="';
