import type { Credentials, Kind } from './decision.ts';
import type { RequestHeaders } from './header-list.ts';
import type { Context } from './observed-exchange.ts';

/**
 * Whether the request's credentials mode was `include` (Fetch §2.2.5), as far as a server can tell. A preflight
 * never shows it. A cookie across origins is proof, and so is Sec-Fetch-Storage-Access (Storage Access Headers
 * §3), which Chromium sends on cross-site requests of that mode.
 */
export function credentialsOf(kind: Kind, request: RequestHeaders, context: Context): Credentials {
  if (context.credentials !== undefined) return context.credentials;
  if (kind === 'preflight') return 'unknown';
  if (request.cookie !== null || request['sec-fetch-storage-access'] !== null) return 'included';
  return 'unknown';
}
