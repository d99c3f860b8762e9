import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

/** What each reason means, and how it usually comes about. */
export const REASON_CAUSES: Readonly<Record<Reason, string>> = {
  acao_missing:
    "The answer has no Access-Control-Allow-Origin, so the page may not read it. The origin is not on the server's list, the route has no CORS at all, or something before it answered (a proxy, a limiter, authentication, an error page) that knows nothing of CORS.",
  acao_multiple:
    'The answer has Access-Control-Allow-Origin several times, or a list in it, and a browser reads one value. Usually two layers set it: the application and the proxy before it.',
  acao_invalid:
    'The value of Access-Control-Allow-Origin is no origin: a host without scheme, a pattern, an empty setting.',
  acao_mismatch:
    'Access-Control-Allow-Origin names another origin than the page\'s. They are compared byte for byte: scheme, port, "www." and a slash at the end count. After a redirect between foreign origins the browser sends Origin null, which matches nothing.',
  acao_wildcard_with_credentials:
    'The page asks with credentials, and then "*" is no wildcard: the answer must name the page\'s origin.',
  acac_not_true:
    'The page asks with credentials, and the answer does not have exactly "true" in Access-Control-Allow-Credentials.',
  preflight_redirect:
    'The preflight was answered with a redirect, which browsers do not follow: often from http to https, to a URL with a slash at the end, or to a login.',
  preflight_status_not_ok:
    'The preflight was answered with a status that is not 200 to 299. Usually nothing handles OPTIONS on the route, or authentication comes before CORS; preflights never carry credentials.',
  acam_malformed:
    'Access-Control-Allow-Methods is no comma-separated list of methods: spaces or semicolons between them, quotes, a trailing remark. Browsers then refuse even what needs no leave.',
  acah_malformed:
    'Access-Control-Allow-Headers is no comma-separated list of header names: spaces or semicolons between them, quotes. Browsers then refuse even what needs no leave.',
  method_not_allowed:
    'The page wants to use a method that Access-Control-Allow-Methods does not name. GET, HEAD and POST need not be named; all others are compared with case. With credentials "*" is no wildcard.',
  header_not_allowed:
    'The page wants to send a header that Access-Control-Allow-Headers does not name. Often a library adds it: tracing ("traceparent", "baggage"), a client\'s version, "content-type" for JSON. With credentials "*" is no wildcard.',
  redirect_url_has_credentials:
    'A redirect leads to a URL with a user name or a password in it, which browsers do not follow. Within one origin the standard and Firefox allow it, Chrome does not.',
  redirect_url_not_http:
    "A redirect leads to a URL that is neither http nor https, such as an app's own scheme or a broken Location.",
  credentials_mode_unknown:
    'The answer is fine without credentials and refused with them (or the other way round), and this request does not show which it was. Preflights of Chrome and Safari never do.',
  kind_ambiguous:
    'The request carries an Origin, but could be a form or a beacon, which CORS does not concern. Browsers say which it is by fetch metadata, but only on https and localhost.',
  not_modified:
    'The server answered 304 without CORS headers. The browser takes them from the answer that it has stored, which is not in this recording.',
  headers_not_captured:
    'The headers that decide were not recorded. "Not recorded" is not "not there", so there is no verdict.',
};
