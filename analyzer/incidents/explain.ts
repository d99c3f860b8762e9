import { type BlockedCall, REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { isCorsKind, REASONS, type Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Subject } from '../detectors/detection.ts';
import type { UsageRow } from '../input/usage-row.ts';
import type { Draft } from './draft.ts';

/** The probable cause of a breakage, and the header or allowlist entry to change. */
export function explainBreakage(draft: Draft, subject: Subject): { cause: string; change: string } {
  const row = draft.example;
  if (row === undefined) return { cause: '', change: '' };
  return {
    cause: [deployment(draft, subject), causeOf(draft, row)].filter(Boolean).join(' '),
    change: changeOf(row),
  };
}

function deployment({ scope, startedAt, affected }: Draft, subject: Subject): string {
  const [version] = [...affected.versions].sort(([, a], [, b]) => b - a)[0] ?? [];
  const known = version === undefined ? undefined : scope.versions.get(version);
  if (version === undefined || version === '' || known === undefined) return '';
  const deployed = new Date(known.firstAt).toISOString();
  if (subject.kind === 'version') {
    return `Version ${version} (first seen ${deployed}) blocks what other versions allow.`;
  }
  const isNew = known.firstAt > startedAt - 60 * 60_000 && known.firstAt > scope.startedAt;
  return isNew ? `It began with version ${version}, first seen ${deployed}.` : '';
}

function causeOf({ scope, affected }: Draft, row: UsageRow): string {
  const { reason, detail, statusCode, kind } = row;
  if (
    statusCode >= 500 ||
    statusCode === 429 ||
    statusCode === 408 ||
    (statusCode === 401 && kind !== 'preflight')
  ) {
    return `Something before or behind the service (upstream, proxy, limiter) answers ${statusCode} without CORS headers, so pages cannot read the error: find out why it fails, and let it send the headers.`;
  }
  switch (reason) {
    case 'header_not_allowed':
      return scope.allowedHeaders.has(detail)
        ? `The policy allowed the request header ${detail} before, and does not any more.`
        : `Pages have begun to send the request header ${detail}, which the policy never allowed.`;
    case 'method_not_allowed':
      return `The policy does not allow the method ${detail}${(scope.usual.method.get(detail) ?? 0) > 0 ? ' any more' : ''}.`;
    case 'acac_not_true':
    case 'credentials_mode_unknown':
      return 'Access-Control-Allow-Credentials: true is not sent any more, which calls with credentials need.';
    case 'acao_wildcard_with_credentials':
      return 'The answers changed to Access-Control-Allow-Origin: *, which does not cover credentials.';
    case 'acao_mismatch':
      return detail === `${row.origin}/`
        ? 'The configured origin ends with a slash, which never matches.'
        : `The answers name ${detail === '' ? 'another origin' : detail} instead of the page's origin.`;
    case 'acao_multiple':
      return 'Two layers set Access-Control-Allow-Origin.';
    case 'preflight_redirect':
      return `Something before the service (gateway, login) redirects preflights${detail === '' ? '' : ` to ${detail}`}.`;
    case 'acao_missing':
      if (kind === 'preflight' && (statusCode === 401 || statusCode === 403)) {
        return `Preflights are answered ${statusCode}: authentication comes before CORS.`;
      }
      if (kind === 'preflight' && (statusCode === 404 || statusCode === 405)) {
        return `Preflights are answered ${statusCode}: nothing handles OPTIONS there any more.`;
      }
      return affected.origins.size === 1
        ? `${row.origin} is not among the allowed origins any more.`
        : 'The answers name no allowed origin any more.';
    default:
      return '';
  }
}

/** What to change, as the report says it. */
export function changeOf(row: UsageRow): string {
  if (!isReason(row.reason)) return '';
  const call: BlockedCall = {
    origin: row.origin,
    kind: isCorsKind(row.kind) ? row.kind : 'actual',
    reason: row.reason,
    detail: row.detail,
    method: row.method,
    requestedHeaders: row.requestedHeaders === '' ? [] : row.requestedHeaders.split(','),
    statusCode: row.statusCode,
  };
  return REASON_TEXTS[row.reason].remedy(call);
}

function isReason(reason: string): reason is Reason {
  return (REASONS as readonly string[]).includes(reason);
}
