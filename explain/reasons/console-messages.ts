import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Browser } from '../browsers.ts';

/** A message in a browser's console about a blocked request. */
interface MessageTemplate {
  readonly browser: Browser;
  /** `{name}` is a placeholder; the rest is verbatim. */
  readonly text: string;
  /** Most likely first; several if the browser does not distinguish them. */
  readonly reasons: readonly [Reason, ...Reason[]];
  /** Used for preflights only. */
  readonly ofPreflight?: boolean;
  /** Used for redirects only. */
  readonly ofRedirect?: boolean;
}

const CHROME = "Access to {sender} at '{url}' from origin '{origin}' has been blocked by CORS policy: ";
const FIREFOX =
  'Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason: ';

const chrome = (text: string, ...reasons: [Reason, ...Reason[]]): MessageTemplate => ({
  browser: 'chrome',
  text: CHROME + text,
  reasons,
});
const firefox = (text: string, ...reasons: [Reason, ...Reason[]]): MessageTemplate => ({
  browser: 'firefox',
  text: `${FIREFOX}${text}`,
  reasons,
});
const safari = (text: string, ...reasons: [Reason, ...Reason[]]): MessageTemplate => ({
  browser: 'safari',
  text,
  reasons,
});
const ofPreflight = (template: MessageTemplate): MessageTemplate => ({ ...template, ofPreflight: true });

/** The prefix that Chrome uses for preflights. */
export const PREFLIGHT = "Response to preflight request doesn't pass access control check: ";

/** What Safari says of a redirect whose response fails the CORS check: the same as of other responses. */
const SAFARI_REDIRECT =
  'Cross-origin redirection to {location} denied by Cross-Origin Resource Sharing policy: ';
const SAFARI_REDIRECTS: readonly MessageTemplate[] = [
  safari(
    `${SAFARI_REDIRECT}Origin {origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}`,
    'acao_missing',
    'acao_mismatch',
    'acao_invalid',
    'acao_multiple',
  ),
  safari(
    `${SAFARI_REDIRECT}Access-Control-Allow-Origin cannot contain more than one origin.`,
    'acao_multiple',
  ),
  safari(
    `${SAFARI_REDIRECT}Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.`,
    'acao_wildcard_with_credentials',
  ),
  safari(
    `${SAFARI_REDIRECT}Credentials flag is true, but Access-Control-Allow-Credentials is not "true".`,
    'acac_not_true',
  ),
];

/**
 * Recorded from Chromium 156, Firefox 153 and WebKitGTK 2.50; those of Safari that none of the named cases shows
 * are from WebKit's source (CrossOriginAccessControl.cpp, CrossOriginPreflightResultCache.cpp,
 * NetworkLoadChecker.cpp).
 */
export const CONSOLE_MESSAGES: readonly MessageTemplate[] = [
  chrome("No 'Access-Control-Allow-Origin' header is present on the requested resource.", 'acao_missing'),
  firefox('CORS header ‘Access-Control-Allow-Origin’ missing). Status code: {status}.', 'acao_missing'),
  safari(
    'Origin {origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}',
    'acao_missing',
    'acao_mismatch',
    'acao_invalid',
    // Several values that are separated by spaces.
    'acao_multiple',
  ),
  chrome(
    "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', but only one is allowed. Have the server send the header with a valid value.",
    'acao_multiple',
  ),
  firefox('Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed).', 'acao_multiple'),
  safari('Access-Control-Allow-Origin cannot contain more than one origin.', 'acao_multiple'),
  chrome(
    "The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'. Have the server send the header with a valid value.",
    'acao_invalid',
  ),
  chrome(
    "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin. Have the server send the header with a valid value.",
    'acao_mismatch',
  ),
  firefox(
    'CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’).',
    'acao_mismatch',
    'acao_invalid',
    'acao_multiple',
  ),
  chrome(
    "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the request's credentials mode is 'include'.",
    'acao_wildcard_with_credentials',
  ),
  {
    browser: 'firefox',
    // The only one with the URL in quotes.
    text: 'Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at ‘{url}’. (Reason: Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’).',
    reasons: ['acao_wildcard_with_credentials'],
  },
  safari(
    'Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.',
    'acao_wildcard_with_credentials',
  ),
  chrome(
    "The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' which must be 'true' when the request's credentials mode is 'include'.",
    'acac_not_true',
  ),
  firefox('expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’).', 'acac_not_true'),
  safari('Credentials flag is true, but Access-Control-Allow-Credentials is not "true".', 'acac_not_true'),
  ofPreflight(chrome(`${PREFLIGHT}Redirect is not allowed for a preflight request.`, 'preflight_redirect')),
  ofPreflight(firefox('CORS request external redirect not allowed).', 'preflight_redirect')),
  ofPreflight(chrome(`${PREFLIGHT}It does not have HTTP ok status.`, 'preflight_status_not_ok')),
  ofPreflight(
    firefox(
      'CORS preflight response did not succeed). Status code: {status}.',
      'preflight_status_not_ok',
      'preflight_redirect',
    ),
  ),
  ofPreflight(
    safari(
      'Preflight response is not successful. Status code: {status}',
      'preflight_status_not_ok',
      'preflight_redirect',
      'acao_missing',
      'acao_mismatch',
      'acao_invalid',
      'acao_multiple',
      'acao_wildcard_with_credentials',
      'acac_not_true',
    ),
  ),
  ofPreflight(
    chrome(
      'Cannot parse Access-Control-Allow-Methods response header field in preflight response.',
      'acam_malformed',
    ),
  ),
  ofPreflight(
    firefox('invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Methods’).', 'acam_malformed'),
  ),
  ofPreflight(safari('Header Access-Control-Allow-Methods has an invalid value: {value}', 'acam_malformed')),
  ofPreflight(
    chrome(
      'Cannot parse Access-Control-Allow-Headers response header field in preflight response.',
      'acah_malformed',
    ),
  ),
  ofPreflight(
    firefox('invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Headers’).', 'acah_malformed'),
  ),
  ofPreflight(safari('Header Access-Control-Allow-Headers has an invalid value: {value}', 'acah_malformed')),
  ofPreflight(
    chrome(
      'Method {method} is not allowed by Access-Control-Allow-Methods in preflight response.',
      'method_not_allowed',
    ),
  ),
  ofPreflight(
    firefox('Did not find method in CORS header ‘Access-Control-Allow-Methods’).', 'method_not_allowed'),
  ),
  ofPreflight(
    safari('Method {method} is not allowed by Access-Control-Allow-Methods.', 'method_not_allowed'),
  ),
  ofPreflight(
    chrome(
      'Request header field {header} is not allowed by Access-Control-Allow-Headers in preflight response.',
      'header_not_allowed',
    ),
  ),
  ofPreflight(
    firefox(
      'header ‘{header}’ is not allowed according to header ‘Access-Control-Allow-Headers’ from CORS preflight response).',
      'header_not_allowed',
    ),
  ),
  ofPreflight(
    safari(
      'Request header field {header} is not allowed by Access-Control-Allow-Headers.',
      'header_not_allowed',
    ),
  ),
  chrome(
    "Redirect location '{value}' contains a username and password, which is disallowed for cross-origin requests.",
    'redirect_url_has_credentials',
  ),
  safari(
    'Cross-origin redirection to {location} denied by Cross-Origin Resource Sharing policy: redirection URL {location} has credentials',
    'redirect_url_has_credentials',
  ),
  ...SAFARI_REDIRECTS.map((template) => ({ ...template, ofRedirect: true })),
  chrome('Cross origin requests are only supported for protocol schemes: {value}.', 'redirect_url_not_http'),
  firefox('CORS request not http).', 'redirect_url_not_http'),
  safari(
    'Cross-origin redirection to {location} denied by Cross-Origin Resource Sharing policy: not allowed to follow a cross-origin CORS redirection with non CORS scheme',
    'redirect_url_not_http',
  ),
  safari('FTP URLs are disabled', 'redirect_url_not_http'),
];

/** Chrome's message if a preflight fails a check that the request itself may also fail. */
export function asOfPreflight(text: string): string {
  return text.replace(CHROME, CHROME + PREFLIGHT);
}
