import { OTHER } from '../../instrumentation/src/attributes.ts';
import type { Kind, Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

/** The part of a blocked or undecidable call that its remedy depends on. */
export interface BlockedCall {
  readonly origin: string;
  readonly kind: Extract<Kind, 'preflight' | 'actual' | 'ambiguous'>;
  readonly reason: Reason;
  /** The failing token: a header value, method or header name; empty when there is none or it is unknown. */
  readonly detail: string;
  /** False when the source (a console message) does not contain the failing token. Default true. */
  readonly isDetailKnown?: boolean;
  readonly method: string;
  readonly requestedHeaders: readonly string[];
  /** 0 when unknown. */
  readonly statusCode: number;
}

interface ReasonText {
  /** The problem in a few words, for tables. */
  readonly title: string;
  /**
   * What to change, with the exact value, in one or two sentences. Never says that an origin should be
   * trusted.
   */
  readonly remedy: (call: BlockedCall) => string;
}

/** The texts of every reason, for the report, `explain` and docs/reasons.md. */
export const REASON_TEXTS: Readonly<Record<Reason, ReasonText>> = {
  acao_missing: {
    title: 'no Access-Control-Allow-Origin',
    remedy: (call) => `${missingBecause(call)} ${grant(call)}`,
  },
  acao_multiple: {
    title: 'multiple values in Access-Control-Allow-Origin',
    remedy: (call) =>
      `${call.detail === '' ? 'The response has several values' : `The value is ${quoted(call.detail)}`}, but only a single origin is valid. Set the header in one layer only. ${grant(call)}`,
  },
  acao_invalid: {
    title: 'Access-Control-Allow-Origin is not a valid origin',
    remedy: (call) =>
      `${failingValue(call)} is not a valid origin (scheme://host, a port if it is not the default, no path). ${grant(call)}`,
  },
  acao_mismatch: {
    title: 'Access-Control-Allow-Origin is another origin',
    remedy: (call) =>
      hasTrailingSlash(call)
        ? `The configured origin ends with a slash and never matches: use ${quoted(call.origin)} instead of ${quoted(call.detail)}.`
        : `The response allows only ${quoted(call.detail)}. To allow several origins, compare Origin with a list. ${grant(call)}`,
  },
  acao_wildcard_with_credentials: {
    title: 'wildcard origin, but the request has credentials',
    remedy: (call) =>
      `${header('Access-Control-Allow-Origin', '*')} does not cover credentials. If this origin may send cookies, send ${header('Access-Control-Allow-Origin', call.origin)}, ${header('Access-Control-Allow-Credentials', 'true')} and ${header('Vary', 'Origin')}; else call with credentials: 'omit'.`,
  },
  acac_not_true: {
    title: 'Access-Control-Allow-Credentials is not "true"',
    remedy: ({ detail, isDetailKnown }) =>
      `${stateOf(detail, isDetailKnown)}. If this origin may send cookies, send exactly ${header('Access-Control-Allow-Credentials', 'true')}, in lower case; else call with credentials: 'omit'.`,
  },
  preflight_redirect: {
    title: 'preflight redirected',
    remedy: ({ detail }) =>
      `Browsers do not follow a redirect of a preflight${redirectedTo(detail)}. Respond to OPTIONS with 204 before the redirect, and let the page call the final URL.`,
  },
  preflight_status_not_ok: {
    title: 'preflight response has an error status',
    remedy: ({ detail }) =>
      `The headers allow the call, but the status is ${detail || 'not in the range 200 to 299'}. Respond to OPTIONS on this route with 204${detail === '404' || detail === '405' ? ': nothing handles that method there' : ''}.`,
  },
  acam_malformed: {
    title: 'Access-Control-Allow-Methods is malformed',
    remedy: (call) =>
      `${failingValue(call)} is not a valid list of methods. Separate them by commas: ${header('Access-Control-Allow-Methods', list(['GET', 'HEAD', 'POST', call.method].filter((method) => method !== '')))}.`,
  },
  acah_malformed: {
    title: 'Access-Control-Allow-Headers is malformed',
    remedy: (call) =>
      `${failingValue(call)} is not a valid list of header names. Separate them by commas: ${header('Access-Control-Allow-Headers', list(call.requestedHeaders) || 'content-type')}.`,
  },
  method_not_allowed: {
    title: 'method not in Access-Control-Allow-Methods',
    remedy: ({ detail }) => {
      if (detail === OTHER) return `${nameNotStored('a method')}, add it to Access-Control-Allow-Methods.`;
      if (detail === '') return 'Add the method of the request to Access-Control-Allow-Methods.';
      return detail !== detail.toUpperCase()
        ? `Methods are case-sensitive: let the page use ${quoted(detail.toUpperCase())} instead of ${quoted(detail)}, and allow it.`
        : `Add ${detail} to Access-Control-Allow-Methods, for example ${header('Access-Control-Allow-Methods', list(['GET', 'HEAD', 'POST', detail]))}.`;
    },
  },
  header_not_allowed: {
    title: 'header not in Access-Control-Allow-Headers',
    remedy: ({ detail, requestedHeaders }) => {
      if (detail === OTHER) return `${nameNotStored('a header')}, add it to Access-Control-Allow-Headers.`;
      return `Add ${detail} to Access-Control-Allow-Headers; this call needs ${header('Access-Control-Allow-Headers', list(requestedHeaders) || detail)}.${TRACING.has(detail) ? ' A tracing library in the page adds it.' : ''}`;
    },
  },
  redirect_url_has_credentials: {
    title: 'redirect to a URL with a user name or password',
    remedy: ({ detail }) =>
      `Remove user name and password from the Location${leadingTo(detail)}; browsers do not follow it.`,
  },
  redirect_url_not_http: {
    title: 'redirect to a URL that is not HTTP(S)',
    remedy: ({ detail }) =>
      `The Location leads to ${detail === '' ? 'a URL' : `${quoted(detail)},`} which fetch cannot follow. Respond with the data itself, or redirect to an https URL.`,
  },
  credentials_mode_unknown: {
    title: 'depends on credentials, which the request does not show',
    remedy: () =>
      `Allowed without credentials, blocked with them. If pages should send cookies, respond with the page's own origin and ${header('Access-Control-Allow-Credentials', 'true')}; else there is nothing to change.`,
  },
  kind_ambiguous: {
    title: 'possibly not a CORS request',
    remedy: () =>
      'Without fetch metadata a form cannot be distinguished from a script. Serve the API over https, where browsers send it.',
  },
  not_modified: {
    title: "304, merged with the browser's stored response",
    remedy: (call) => `Send the CORS headers with 304, too: ${allowOrigin(call)}.`,
  },
  headers_not_captured: {
    title: 'headers were not recorded',
    remedy: () => 'Capture the CORS request and response headers in the source of this span.',
  },
};

const TRACING: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

/** The failing value, or what it is called if it is not known. */
function failingValue({ detail, isDetailKnown }: BlockedCall): string {
  return isDetailKnown === false ? 'The value' : quoted(detail);
}

function stateOf(detail: string, isDetailKnown: boolean | undefined): string {
  if (isDetailKnown === false) return 'The header is absent or has another value';
  return detail === '' ? 'The header is absent' : `The header is ${quoted(detail)}`;
}

/** Details in parentheses describe a target instead of naming it. */
function redirectedTo(detail: string): string {
  if (detail === '') return '';
  if (detail === SAME_ORIGIN) return ' (here to another URL of the same origin)';
  return ` (here to ${detail === OTHER || detail === INVALID ? 'another URL' : quoted(detail)})`;
}

function leadingTo(detail: string): string {
  if (detail === '') return '';
  return detail === SAME_ORIGIN
    ? ' that leads to another URL of the same origin'
    : ` that leads to ${quoted(detail)}`;
}

const SAME_ORIGIN = '(same origin)';
const INVALID = '(invalid)';

function missingBecause({ kind, statusCode }: BlockedCall): string {
  if (statusCode === 0)
    return `The ${kind === 'preflight' ? 'preflight ' : ''}response does not contain this origin.`;
  if (kind !== 'preflight') {
    return statusCode >= 400
      ? `The response (${statusCode}) has no CORS headers: error responses need them as well, otherwise the page cannot read the error.`
      : 'The response does not contain this origin.';
  }
  if (statusCode === 401 || statusCode === 403) {
    return `The preflight response is ${statusCode}: preflights never have credentials, so CORS must run before authentication.`;
  }
  if (statusCode === 404 || statusCode === 405) {
    return `The preflight response is ${statusCode}: nothing handles OPTIONS on this route.`;
  }
  return `The preflight response is ${statusCode} without this origin.`;
}

/**
 * Whether the configured value differs from the origin only by a trailing slash, the most frequent mistake.
 */
function hasTrailingSlash({ origin, detail }: BlockedCall): boolean {
  return detail === `${origin}/`;
}

/** A name that was masked or over budget cannot be repeated. */
function nameNotStored(what: string): string {
  return `The page uses ${what} whose name is not stored: the network panel of the browser shows it. If it is legitimate`;
}

function grant(call: BlockedCall): string {
  if (call.origin.startsWith('(invalid)')) {
    return 'No browser sends such an origin: the client is not a web page, and CORS does not apply to it.';
  }
  return call.origin === 'null'
    ? 'Sandboxed frames, local files and redirects between foreign origins send Origin null, so allowing it allows everyone: call the final URL, from a page that has an origin.'
    : `If this origin may call, send ${allowOrigin(call)}.`;
}

function allowOrigin({ origin }: BlockedCall): string {
  return `${header('Access-Control-Allow-Origin', origin)} and ${header('Vary', 'Origin')}`;
}

function header(name: string, value: string): string {
  return `"${name}: ${value}"`;
}

function quoted(text: string): string {
  return `"${text}"`;
}

function list(values: readonly string[]): string {
  return [...new Set(values)].filter((value) => value !== OTHER).join(', ');
}
