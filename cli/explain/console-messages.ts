import { mismatchReason } from '../../instrumentation/src/fetch-standard/cors-check.ts';
import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

export const BROWSERS = ['Chrome', 'Firefox', 'Safari'] as const;
export type Browser = (typeof BROWSERS)[number];

/** What a browser writes to its console about a refused request. */
interface MessageTemplate {
  readonly browser: Browser;
  /** `{name}` stands for what differs; the words around are verbatim. */
  readonly text: string;
  /** The likeliest first; several where the browser says the same of all. */
  readonly reasons: readonly [Reason, ...Reason[]];
  /** It is said of a preflight only. */
  readonly ofPreflight?: boolean;
}

const CHROME = "Access to {sender} at '{url}' from origin '{origin}' has been blocked by CORS policy: ";
const FIREFOX =
  'Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason: ';

const chrome = (text: string, ...reasons: [Reason, ...Reason[]]): MessageTemplate => ({
  browser: 'Chrome',
  text: CHROME + text,
  reasons,
});
const firefox = (text: string, ...reasons: [Reason, ...Reason[]]): MessageTemplate => ({
  browser: 'Firefox',
  text: `${FIREFOX}${text}`,
  reasons,
});
const safari = (text: string, ...reasons: [Reason, ...Reason[]]): MessageTemplate => ({
  browser: 'Safari',
  text,
  reasons,
});
const ofPreflight = (template: MessageTemplate): MessageTemplate => ({ ...template, ofPreflight: true });

/** What Chrome puts before the reason, if it is about a preflight. */
const PREFLIGHT = "Response to preflight request doesn't pass access control check: ";

/**
 * Chrome's and Firefox's as recorded from Chromium 156 and Firefox 153; Safari's from WebKit's source
 * (CrossOriginAccessControl.cpp, CrossOriginPreflightResultCache.cpp, NetworkLoadChecker.cpp).
 */
export const CONSOLE_MESSAGES: readonly MessageTemplate[] = [
  chrome("No 'Access-Control-Allow-Origin' header is present on the requested resource.", 'acao_missing'),
  firefox('CORS header ‘Access-Control-Allow-Origin’ missing). Status code: {status}.', 'acao_missing'),
  safari(
    'Origin {origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}',
    'acao_missing',
    'acao_mismatch',
    'acao_invalid',
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
    browser: 'Firefox',
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
    'Cross-origin redirection to {value} denied by Cross-Origin Resource Sharing policy: redirection URL {location} has credentials',
    'redirect_url_has_credentials',
  ),
  chrome('Cross origin requests are only supported for protocol schemes: {value}.', 'redirect_url_not_http'),
  firefox('CORS request not http).', 'redirect_url_not_http'),
  safari(
    'Cross-origin redirection to {value} denied by Cross-Origin Resource Sharing policy: not allowed to follow a cross-origin CORS redirection with non CORS scheme',
    'redirect_url_not_http',
  ),
];

/** A message found in a text, and what it says. */
export interface FoundMessage {
  readonly browser: Browser;
  readonly reasons: readonly [Reason, ...Reason[]];
  readonly ofPreflight: boolean;
  /** Of what was fetched; undefined when the message does not say. */
  readonly url: string | undefined;
  readonly origin: string | undefined;
  /** The failing token, as far as the message has it. */
  readonly detail: string;
}

/** Every message of the text that names a reason, in the order of the lines, each once. */
export function findMessages(text: string): readonly FoundMessage[] {
  const found = new Map<string, FoundMessage>();
  const lines = withStraightQuotes(text).split('\n');
  for (const line of lines) {
    const message = matchLine(line);
    if (message !== undefined) found.set(JSON.stringify(message), message);
  }
  const inAll = [...found.values()];
  // Safari says in a line of its own which URL it could not load.
  const url = lines.map(urlOfSafari).find((one) => one !== undefined);
  return inAll.map((message) => (message.url === undefined ? { ...message, url } : message));
}

/** What is said when a request failed before any answer, or as a consequence of what is said elsewhere. */
export function isWithoutReason(text: string): boolean {
  return UNSPECIFIC.some((words) => text.includes(words));
}

const UNSPECIFIC = [
  'CORS request did not succeed',
  'due to access control checks',
  'Failed to fetch',
  'Load failed',
];

function matchLine(whole: string): FoundMessage | undefined {
  const ofPreflight = whole.includes(PREFLIGHT);
  const line = whole.replace(PREFLIGHT, '').replace(REDIRECTED_FROM, '');
  const said = line.includes(SAID_BY_CHROME)
    ? 'Chrome'
    : line.includes(SAID_BY_FIREFOX)
      ? 'Firefox'
      : 'Safari';
  for (const { browser, pieces, names, reasons, ...template } of PATTERNS) {
    if (browser !== said) continue;
    const values = matchPieces(line, pieces, names);
    if (values === undefined) continue;
    const { url, origin, method, header, value = '', status = '' } = values;
    return {
      browser,
      // Firefox says the same of all values that are not the origin.
      reasons: browser === 'Firefox' && reasons[0] === 'acao_mismatch' ? [mismatchReason(value)] : reasons,
      ofPreflight: ofPreflight || template.ofPreflight === true,
      url,
      origin,
      detail: method ?? header ?? (reasons[0].startsWith('redirect_') ? '' : value || status),
    };
  }
  return undefined;
}

const SAID_BY_CHROME = 'has been blocked by CORS policy';
const SAID_BY_FIREFOX = 'Cross-Origin Request Blocked';
const REDIRECTED_FROM = / \(redirected from '[^']*'\)/;

/** Verbatim words, and the names of what stands between them; one more piece than names. */
const PATTERNS = CONSOLE_MESSAGES.map((template) => {
  const parts = withoutEnd(withStraightQuotes(template.text).replace(PREFLIGHT, '')).split(/\{([a-z]+)\}/);
  return {
    ...template,
    pieces: parts.filter((_, i) => i % 2 === 0),
    names: parts.filter((_, i) => i % 2 === 1),
  };
});

/** Chrome has added sentences, and taken them away, from version to version. */
function withoutEnd(text: string): string {
  return text.replace(/ Have the server send the header with a valid value\.$/, '').replace(/\.$/, '');
}

function matchPieces(
  text: string,
  pieces: readonly string[],
  names: readonly string[],
): Readonly<Partial<Record<string, string>>> | undefined {
  const values: Partial<Record<string, string>> = {};
  let position = text.indexOf(pieces[0] ?? '');
  if (position === -1) return undefined;
  position += (pieces[0] ?? '').length;
  for (const [i, name] of names.entries()) {
    const piece = pieces[i + 1] ?? '';
    const end = piece === '' ? endOfToken(text, position) : text.indexOf(piece, position);
    if (end === -1) return undefined;
    values[name] = text.slice(position, end);
    position = end + piece.length;
  }
  return values;
}

function endOfToken(text: string, start: number): number {
  const space = text.indexOf(' ', start);
  return space === -1 ? text.length : space;
}

function urlOfSafari(line: string): string | undefined {
  const end = line.indexOf(' due to access control checks');
  if (end === -1) return undefined;
  const start = line.indexOf('cannot load ');
  return start === -1 ? undefined : line.slice(start + 'cannot load '.length, end);
}

/** Firefox writes typographic quotes, and on the way to a terminal they may become plain. */
function withStraightQuotes(text: string): string {
  return text.replace(/[‘’]/g, "'").replace(/[“”]/g, '"');
}
