import { namesToken, type UsageRow } from '../input/usage-row.ts';

/** Blocks of a call by one service version, since it was last allowed there. */
export interface Blocks {
  readonly call: Call;
  readonly version: string;
  /** Start of the first minute. */
  readonly since: number;
  decisions: number;
  /** Decisions with the contribution of each client capped. */
  capped: number;
  clientsHigh: number;
  clientsLow: number;
  readonly rows: UsageRow[];
}

/**
 * What a browser asks of a service, as far as the answer's headers depend on it. CORS is deterministic: the same call
 * gets the same verdict until the service, its policy or what stands before it changes.
 */
export interface Call {
  readonly key: string;
  readonly origin: string;
  /** Decisions that were allowed, or depended on credentials that nobody saw. */
  allowed: number;
  /** Those of them that were allowed whatever the credentials. */
  surelyAllowed: number;
  lastAllowedAt: number;
  lastBlockedAt: number;
  lastAt: number;
  /** By version; only while the call was allowed before. */
  blocks: Map<string, Blocks> | undefined;
  /** Since when the call counts as broken; undefined while it does not. */
  brokenSince: number | undefined;
}

export function callKeyOf(row: UsageRow): string {
  return `${row.origin}\n${row.kind}\n${row.method}\n${row.route}\n${row.requestedHeaders}\n${row.credentials}\n${row.browser}`;
}

/**
 * Whether the answer shows the policy, and not an error that was answered by something that knows no CORS: such
 * errors come and go, a policy stays.
 */
export function showsPolicy({ reason, statusCode, kind }: UsageRow): boolean {
  if (statusCode < 400) return true;
  if (reason !== 'acao_missing' && reason !== 'preflight_status_not_ok') return true;
  if (statusCode >= 500 || statusCode === 408 || statusCode === 429) return false;
  return kind === 'preflight' || statusCode === 403;
}

/** How a call is blocked, as far as one change of a policy explains it: for a header or a method, whoever asks. */
export function blockKeyOf(row: UsageRow): string {
  const { reason, detail, origin } = row;
  return namesToken(row) ? `${reason}\n${detail}` : `${reason}\n${detail}\n${origin}`;
}

/**
 * Whether a browser blocks; or would, if credentials are included, where it did not before. Of services that allow no
 * credentials most preflights are of that kind from the beginning.
 */
export function isBlocked({ verdict, reason }: UsageRow, call: Call | undefined): boolean {
  if (verdict === 'blocked') return true;
  return reason === 'credentials_mode_unknown' && call !== undefined && call.surelyAllowed > 0;
}
