import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

/** What each reason means, and its usual cause. */
export const REASON_CAUSES: Readonly<Record<Reason, string>> = {
  acao_missing:
    "The response has no Access-Control-Allow-Origin, so the page may not read it. The origin is not on the server's list, the route has no CORS handling, or the response comes from something in front of it that does not handle CORS (a proxy, a rate limiter, authentication, an error page).",
  acao_multiple:
    'The response has several Access-Control-Allow-Origin headers, or a list in one, but only a single value is valid. Usually two layers set it: the application and the proxy in front of it.',
  acao_invalid:
    'The value of Access-Control-Allow-Origin is not a valid origin: a host without a scheme, a pattern, an empty setting.',
  acao_mismatch:
    'Access-Control-Allow-Origin contains another origin than the page\'s. They are compared byte by byte, including scheme, port, "www." and a trailing slash. After a redirect between foreign origins the browser sends Origin null, which matches no other origin.',
  acao_wildcard_with_credentials:
    'The request has credentials, and then "*" is not a wildcard: the response must contain the page\'s origin.',
  acac_not_true: 'The request has credentials, but Access-Control-Allow-Credentials is not exactly "true".',
  preflight_redirect:
    'The response to the preflight is a redirect, which browsers do not follow: often from http to https, to a URL with a trailing slash, or to a login page.',
  preflight_status_not_ok:
    'The status of the preflight response is not in the range 200 to 299. Usually nothing handles OPTIONS on the route, or authentication runs before CORS; preflights never have credentials.',
  acam_malformed:
    'Access-Control-Allow-Methods is not a valid comma-separated list of methods: spaces or semicolons between them, quotes, a trailing comment. Browsers then block even methods that need no permission.',
  acah_malformed:
    'Access-Control-Allow-Headers is not a valid comma-separated list of header names: spaces or semicolons between them, quotes. Browsers then block even headers that need no permission.',
  method_not_allowed:
    'The request uses a method that is not in Access-Control-Allow-Methods. GET, HEAD and POST need not be listed; others are case-sensitive. With credentials "*" is not a wildcard.',
  header_not_allowed:
    'The request has a header that is not in Access-Control-Allow-Headers. Often a library adds it: tracing ("traceparent", "baggage"), a client version, "content-type" for JSON. With credentials "*" is not a wildcard.',
  redirect_url_has_credentials:
    'A redirect leads to a URL with a user name or password, which browsers do not follow. Within one origin the standard, Firefox and Safari allow it, Chrome does not.',
  redirect_url_not_http:
    'A redirect leads to a URL that is neither http nor https, such as a custom scheme of an app or an invalid Location.',
  credentials_mode_unknown:
    'The response is allowed without credentials and blocked with them, or vice versa, and the request does not show whether it has any. Preflights of Chrome and Safari never do.',
  kind_ambiguous:
    'The request has an Origin, but could be a form or a beacon, to which CORS does not apply. Browsers distinguish them by fetch metadata, but only on https and localhost.',
  not_modified:
    'The server responded with 304 without CORS headers. The browser takes them from its stored response, which is not in this recording.',
  headers_not_captured:
    'The relevant headers were not recorded. "Not recorded" does not mean "absent", so there is no verdict.',
};
