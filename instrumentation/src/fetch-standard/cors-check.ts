import type { Failure } from './failure.ts';
import type { ResponseHeaders } from './header-list.ts';

/**
 * The CORS check: https://fetch.spec.whatwg.org/#cors-check. The standard only knows success and failure;
 * the reasons are Chromium's.
 *
 * @param origin the Origin header as sent; null when it was removed in transit
 * @returns null on success; `origin_unknown` when the result depends on an origin that was not recorded
 */
export function corsCheck(
  origin: string | null,
  response: ResponseHeaders,
  includeCredentials: boolean,
): Failure | 'origin_unknown' | null {
  const allowOrigin = response['access-control-allow-origin'];
  if (allowOrigin === null) return { reason: 'acao_missing', detail: '', absent: true };
  if (allowOrigin === '*') {
    if (!includeCredentials) return null;
    return { reason: 'acao_wildcard_with_credentials', detail: '*', absent: false };
  }
  if (origin === null) return 'origin_unknown';
  if (allowOrigin !== origin) {
    return { reason: mismatchReason(allowOrigin), detail: allowOrigin, absent: false };
  }
  if (!includeCredentials) return null;
  const allowCredentials = response['access-control-allow-credentials'];
  if (allowCredentials === 'true') return null;
  return { reason: 'acac_not_true', detail: allowCredentials ?? '', absent: allowCredentials === null };
}

/** The kind of mismatch, as Chromium's console message distinguishes them. */
export function mismatchReason(allowOrigin: string): Failure['reason'] {
  if (allowOrigin.includes(' ') || allowOrigin.includes(',')) return 'acao_multiple';
  if (allowOrigin === 'null' || URL.canParse(allowOrigin)) return 'acao_mismatch';
  return 'acao_invalid';
}
