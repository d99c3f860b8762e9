import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

const CORS_CHECK = 'https://fetch.spec.whatwg.org/#concept-cors-check';
const PREFLIGHT_FETCH = 'https://fetch.spec.whatwg.org/#cors-preflight-fetch-0';
const REDIRECT_FETCH = 'https://fetch.spec.whatwg.org/#http-redirect-fetch';

export interface StandardStep {
  /** The algorithm and its step, as the Fetch standard names them. */
  readonly name: string;
  readonly url: string;
}

/** The step of the Fetch standard that fails, or that cannot be decided. */
export const STANDARD_STEPS: Readonly<Record<Reason, StandardStep>> = {
  acao_missing: {
    name: 'CORS check (Fetch §4.10), step 2: there is no Access-Control-Allow-Origin',
    url: CORS_CHECK,
  },
  acao_multiple: { name: 'CORS check (Fetch §4.10), step 4: the value is not the origin', url: CORS_CHECK },
  acao_invalid: { name: 'CORS check (Fetch §4.10), step 4: the value is not the origin', url: CORS_CHECK },
  acao_mismatch: { name: 'CORS check (Fetch §4.10), step 4: the value is not the origin', url: CORS_CHECK },
  acao_wildcard_with_credentials: {
    name: 'CORS check (Fetch §4.10), steps 3 and 4: with credentials "*" is no wildcard',
    url: CORS_CHECK,
  },
  acac_not_true: {
    name: 'CORS check (Fetch §4.10), step 7: Access-Control-Allow-Credentials is not "true"',
    url: CORS_CHECK,
  },
  preflight_redirect: {
    name: 'CORS-preflight fetch (Fetch §4.8), step 7: a redirect is no ok status',
    url: PREFLIGHT_FETCH,
  },
  preflight_status_not_ok: {
    name: 'CORS-preflight fetch (Fetch §4.8), step 7: the status is not 200 to 299',
    url: PREFLIGHT_FETCH,
  },
  acam_malformed: {
    name: 'CORS-preflight fetch (Fetch §4.8), step 7.3: the methods are no list of tokens',
    url: PREFLIGHT_FETCH,
  },
  acah_malformed: {
    name: 'CORS-preflight fetch (Fetch §4.8), step 7.3: the header names are no list of tokens',
    url: PREFLIGHT_FETCH,
  },
  method_not_allowed: {
    name: 'CORS-preflight fetch (Fetch §4.8), step 7.5: the method is not among the allowed ones',
    url: PREFLIGHT_FETCH,
  },
  header_not_allowed: {
    name: 'CORS-preflight fetch (Fetch §4.8), steps 7.6 and 7.7: the header is not among the allowed ones',
    url: PREFLIGHT_FETCH,
  },
  redirect_url_has_credentials: {
    name: 'HTTP-redirect fetch (Fetch §4.5): the location includes credentials',
    url: REDIRECT_FETCH,
  },
  redirect_url_not_http: {
    name: 'HTTP-redirect fetch (Fetch §4.5): the location is no HTTP(S) URL',
    url: REDIRECT_FETCH,
  },
  credentials_mode_unknown: {
    name: 'CORS check (Fetch §4.10), step 5: it depends on the credentials mode',
    url: CORS_CHECK,
  },
  kind_ambiguous: {
    name: 'HTTP fetch (Fetch §4.4): whether the CORS check runs depends on the mode',
    url: 'https://fetch.spec.whatwg.org/#http-fetch',
  },
  not_modified: {
    name: 'HTTP-network-or-cache fetch (Fetch §4.6): the stored response is checked',
    url: 'https://fetch.spec.whatwg.org/#http-network-or-cache-fetch',
  },
  headers_not_captured: { name: 'CORS check (Fetch §4.10): its headers were not recorded', url: CORS_CHECK },
};
