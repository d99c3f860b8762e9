import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

const CORS_CHECK = 'https://fetch.spec.whatwg.org/#cors-check';
const PREFLIGHT_FETCH = 'https://fetch.spec.whatwg.org/#cors-preflight-fetch';
const REDIRECT_FETCH = 'https://fetch.spec.whatwg.org/#http-redirect-fetch';

export interface StandardStep {
  /** The algorithm of the Fetch standard and its outcome. */
  readonly name: string;
  readonly url: string;
}

/** The step of the Fetch standard that fails or cannot be decided. */
export const STANDARD_STEPS: Readonly<Record<Reason, StandardStep>> = {
  acao_missing: {
    name: 'Fetch standard, CORS check: Access-Control-Allow-Origin is absent',
    url: CORS_CHECK,
  },
  acao_multiple: { name: 'Fetch standard, CORS check: the value is not the origin', url: CORS_CHECK },
  acao_invalid: { name: 'Fetch standard, CORS check: the value is not the origin', url: CORS_CHECK },
  acao_mismatch: { name: 'Fetch standard, CORS check: the value is not the origin', url: CORS_CHECK },
  acao_wildcard_with_credentials: {
    name: 'Fetch standard, CORS check: with credentials "*" is not a wildcard',
    url: CORS_CHECK,
  },
  acac_not_true: {
    name: 'Fetch standard, CORS check: Access-Control-Allow-Credentials is not "true"',
    url: CORS_CHECK,
  },
  preflight_redirect: {
    name: 'Fetch standard, CORS-preflight fetch: a redirect is not an ok status',
    url: PREFLIGHT_FETCH,
  },
  preflight_status_not_ok: {
    name: 'Fetch standard, CORS-preflight fetch: the status is not an ok status (200 to 299)',
    url: PREFLIGHT_FETCH,
  },
  acam_malformed: {
    name: 'Fetch standard, CORS-preflight fetch: the methods are not a valid list',
    url: PREFLIGHT_FETCH,
  },
  acah_malformed: {
    name: 'Fetch standard, CORS-preflight fetch: the header names are not a valid list',
    url: PREFLIGHT_FETCH,
  },
  method_not_allowed: {
    name: 'Fetch standard, CORS-preflight fetch: the method is not in the allowed methods',
    url: PREFLIGHT_FETCH,
  },
  header_not_allowed: {
    name: 'Fetch standard, CORS-preflight fetch: the header is not in the allowed headers',
    url: PREFLIGHT_FETCH,
  },
  redirect_url_has_credentials: {
    name: 'Fetch standard, HTTP-redirect fetch: the location URL includes credentials',
    url: REDIRECT_FETCH,
  },
  redirect_url_not_http: {
    name: 'Fetch standard, HTTP-redirect fetch: the location URL is not an HTTP(S) URL',
    url: REDIRECT_FETCH,
  },
  credentials_mode_unknown: {
    name: 'Fetch standard, CORS check: depends on the credentials mode',
    url: CORS_CHECK,
  },
  kind_ambiguous: {
    name: 'Fetch standard, HTTP fetch: whether the CORS check runs depends on the mode',
    url: 'https://fetch.spec.whatwg.org/#http-fetch',
  },
  not_modified: {
    name: 'Fetch standard, HTTP-network-or-cache fetch: the stored response is checked',
    url: 'https://fetch.spec.whatwg.org/#http-network-or-cache-fetch',
  },
  headers_not_captured: {
    name: 'Fetch standard, CORS check: its headers were not recorded',
    url: CORS_CHECK,
  },
};
