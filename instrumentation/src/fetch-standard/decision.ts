/**
 * The vocabulary of decisions: what a server saw and sent (an exchange), and what a browser does with it (a
 * decision). Attributes, tables, dashboards and alerts use the same terms.
 */

/**
 * A header list (https://fetch.spec.whatwg.org/#concept-header-list) in wire order, with names in any case
 * and repeated headers separate.
 */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The request headers and the response status and headers that a server saw and sent: plain data. */
export interface Exchange {
  readonly request: {
    readonly method: string;
    /** The request target as received: a path with query, or an absolute URL. */
    readonly url: string;
    readonly headers: HeaderList;
  };
  readonly response: {
    readonly status: number;
    readonly headers: HeaderList;
  };
}

/** What kind of request a browser was making; only `preflight` and `actual` are CORS. */
export const KINDS = [
  'preflight',
  'actual',
  'same_origin',
  'no_cors',
  'navigation',
  'websocket',
  'ambiguous',
] as const;
export type Kind = (typeof KINDS)[number];

/** The kinds whose decisions are counted; an `ambiguous` request may have been a CORS request. */
export const CORS_KINDS = ['preflight', 'actual', 'ambiguous'] as const satisfies readonly Kind[];
export type CorsKind = (typeof CORS_KINDS)[number];

export function isCorsKind(kind: string): kind is CorsKind {
  return kind === 'preflight' || kind === 'actual' || kind === 'ambiguous';
}

export const VERDICTS = ['allowed', 'blocked', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Why a browser blocks a response (docs/reasons.md has cause and remedy of each). */
export const BLOCKED_REASONS = [
  'acao_missing',
  'acao_multiple',
  'acao_invalid',
  'acao_mismatch',
  'acao_wildcard_with_credentials',
  'acac_not_true',
  'preflight_redirect',
  'preflight_status_not_ok',
  'acam_malformed',
  'acah_malformed',
  'method_not_allowed',
  'header_not_allowed',
  'redirect_url_has_credentials',
  'redirect_url_not_http',
] as const;

/** Why the verdict cannot be known at the server. */
export const UNKNOWN_REASONS = [
  'credentials_mode_unknown',
  'kind_ambiguous',
  'not_modified',
  'headers_not_captured',
] as const;

export const REASONS = [...BLOCKED_REASONS, ...UNKNOWN_REASONS] as const;
export type Reason = (typeof REASONS)[number];

/** Findings that do not change the verdict but matter to the owner of the API. */
export const NOTES = [
  'missing_vary_origin',
  'authorization_covered_by_wildcard',
  'wildcard_with_credentials',
  'reflects_null',
  'preflight_uncached',
  'exposed_headers',
  'server_error_without_cors',
  'reason_depends_on_credentials',
] as const;
export type Note = (typeof NOTES)[number];

/** The credentials mode as far as the server can tell. */
export const CREDENTIALS = ['included', 'omitted', 'unknown'] as const;
export type Credentials = (typeof CREDENTIALS)[number];

/** How the response's Access-Control-Allow-Origin relates to the request's Origin. */
export const ALLOW_ORIGINS = ['exact', 'wildcard', 'null', 'other', 'absent'] as const;
export type AllowOrigin = (typeof ALLOW_ORIGINS)[number];

/** Sec-Fetch-Site, or `unknown` when absent. */
export const SITES = ['cross-site', 'same-site', 'same-origin', 'none', 'unknown'] as const;
export type Site = (typeof SITES)[number];

/** A reason with its failing token. */
export interface DetailedReason {
  readonly reason: Reason;
  readonly detail: string;
}

/** What a browser does with an exchange, and the facts behind it. */
export interface Decision {
  readonly kind: Kind;
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: Reason | '';
  /** The header value, method or header name that failed; empty when there is none. */
  readonly detail: string;
  /**
   * The serialised origin as sent, normalised and bounded (see origin.ts); empty without an Origin header.
   */
  readonly origin: string;
  /** The method that a preflight requested, else the request's own method. */
  readonly requestMethod: string;
  /** The header names that a preflight requested: lower-case, sorted, unique, at most 32; empty otherwise. */
  readonly requestHeaders: readonly string[];
  readonly credentials: Credentials;
  /**
   * For a decision that is blocked in both credentials modes when the mode is unknown: the reason with
   * credentials, if it differs from `reason`. Undefined otherwise.
   */
  readonly withCredentials: DetailedReason | undefined;
  readonly allowOrigin: AllowOrigin;
  /** Access-Control-Allow-Credentials was exactly `true`. */
  readonly allowCredentials: boolean;
  /** Access-Control-Max-Age in seconds as sent; undefined when absent or not a number. */
  readonly maxAge: number | undefined;
  /** The response's Vary names Origin, or is `*`. */
  readonly varyOrigin: boolean;
  readonly site: Site;
  /** Fetch metadata was present, so the client is a browser, or imitates one. */
  readonly browser: boolean;
  readonly notes: readonly Note[];
}
