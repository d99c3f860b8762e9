import { OTHER } from '../../instrumentation/src/attributes.ts';
import type { Kind, Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

/** A refused (or undecidable) call as far as its remedy depends on it. */
export interface BlockedCall {
  readonly origin: string;
  readonly kind: Extract<Kind, 'preflight' | 'actual' | 'ambiguous'>;
  readonly reason: Reason;
  /** The failing token: a header value, method or header name; empty when there is none. */
  readonly detail: string;
  readonly method: string;
  readonly requestedHeaders: readonly string[];
  readonly statusCode: number;
}

interface ReasonText {
  /** What is wrong, in a few words: a row of a table. */
  readonly title: string;
  /** What to change, and to what exact value. One or two sentences; they never say that an origin is to be trusted. */
  readonly remedy: (call: BlockedCall) => string;
}

/** The words for every reason, for the report, for `explain` and for docs/reasons.md. */
export const REASON_TEXTS: Readonly<Record<Reason, ReasonText>> = {
  acao_missing: {
    title: 'no Access-Control-Allow-Origin',
    remedy: (call) => `${missingBecause(call)} ${grant(call)}`,
  },
  acao_multiple: {
    title: 'several values in Access-Control-Allow-Origin',
    remedy: (call) =>
      `The browser read ${quoted(call.detail)}, one origin is allowed. Set the header in one layer only. ${grant(call)}`,
  },
  acao_invalid: {
    title: 'Access-Control-Allow-Origin is no origin',
    remedy: (call) =>
      `${quoted(call.detail)} is no origin (scheme://host, a port if it is not the default, no path). ${grant(call)}`,
  },
  acao_mismatch: {
    title: 'Access-Control-Allow-Origin names another origin',
    remedy: (call) =>
      isSlashApart(call)
        ? `The configured origin ends with a slash and never matches: write ${quoted(call.origin)} instead of ${quoted(call.detail)}.`
        : `The answer allows ${quoted(call.detail)}, and one origin only. To allow several, compare Origin with a list. ${grant(call)}`,
  },
  acao_wildcard_with_credentials: {
    title: 'wildcard origin, but the request has credentials',
    remedy: (call) =>
      `${header('Access-Control-Allow-Origin', '*')} does not cover credentials. If this origin may send cookies, send ${header('Access-Control-Allow-Origin', call.origin)}, ${header('Access-Control-Allow-Credentials', 'true')} and ${header('Vary', 'Origin')}; else call with credentials: 'omit'.`,
  },
  acac_not_true: {
    title: 'Access-Control-Allow-Credentials is not "true"',
    remedy: ({ detail }) =>
      `${detail === '' ? 'The header is absent' : `The header is ${quoted(detail)}`}. If this origin may send cookies, send exactly ${header('Access-Control-Allow-Credentials', 'true')}, in lower case; else call with credentials: 'omit'.`,
  },
  preflight_redirect: {
    title: 'preflight redirected',
    remedy: ({ detail }) =>
      `Browsers follow no redirect of a preflight (here to ${quoted(detail)}). Answer OPTIONS with 204 before the redirect, and let the page call the final URL.`,
  },
  preflight_status_not_ok: {
    title: 'preflight answered with an error status',
    remedy: ({ detail }) =>
      `The headers allow the call, the status ${detail} refuses it. Answer OPTIONS on this route with 204${detail === '404' || detail === '405' ? ': nothing handles that method there' : ''}.`,
  },
  acam_malformed: {
    title: 'Access-Control-Allow-Methods cannot be read',
    remedy: (call) =>
      `${quoted(call.detail)} is no list of methods. Separate them by commas: ${header('Access-Control-Allow-Methods', list(['GET', 'HEAD', 'POST', call.method]))}.`,
  },
  acah_malformed: {
    title: 'Access-Control-Allow-Headers cannot be read',
    remedy: (call) =>
      `${quoted(call.detail)} is no list of header names. Separate them by commas: ${header('Access-Control-Allow-Headers', list(call.requestedHeaders) || 'content-type')}.`,
  },
  method_not_allowed: {
    title: 'method not in Access-Control-Allow-Methods',
    remedy: ({ detail }) => {
      if (detail === OTHER) return `${nameNotKept('a method')}, add it to Access-Control-Allow-Methods.`;
      return detail !== detail.toUpperCase()
        ? `Methods are compared with case: let the page ask for ${quoted(detail.toUpperCase())} instead of ${quoted(detail)}, and allow that.`
        : `Add ${detail} to Access-Control-Allow-Methods, for example ${header('Access-Control-Allow-Methods', list(['GET', 'HEAD', 'POST', detail]))}.`;
    },
  },
  header_not_allowed: {
    title: 'header not in Access-Control-Allow-Headers',
    remedy: ({ detail, requestedHeaders }) => {
      if (detail === OTHER) return `${nameNotKept('a header')}, add it to Access-Control-Allow-Headers.`;
      return `Add ${detail} to Access-Control-Allow-Headers; this call needs ${header('Access-Control-Allow-Headers', list(requestedHeaders) || detail)}.${TRACING.has(detail) ? ' A tracing library in the page adds it.' : ''}`;
    },
  },
  redirect_url_has_credentials: {
    title: 'redirect to a URL with a user name or password',
    remedy: ({ detail }) =>
      `Take the user name and password out of the Location that leads to ${quoted(detail)}; a browser refuses to follow it.`,
  },
  redirect_url_not_http: {
    title: 'redirect to a URL that is not HTTP(S)',
    remedy: ({ detail }) =>
      `The Location leads to ${quoted(detail)}, where fetch cannot follow. Answer with the data itself, or redirect to an https URL.`,
  },
  credentials_mode_unknown: {
    title: 'depends on credentials, which the request does not show',
    remedy: () =>
      `Allowed without credentials, refused with them. If pages shall send cookies, answer with the page's own origin and ${header('Access-Control-Allow-Credentials', 'true')}; else there is nothing to change.`,
  },
  kind_ambiguous: {
    title: 'perhaps no CORS request',
    remedy: () =>
      'Without fetch metadata a form cannot be told from a script. Serve the API over https, where browsers send it.',
  },
  not_modified: {
    title: '304, merged with what the browser has stored',
    remedy: (call) => `Send the CORS headers with 304 too: ${allowOrigin(call)}.`,
  },
  headers_not_captured: {
    title: 'headers were not recorded',
    remedy: () => 'Record the request and response headers of CORS where this span comes from.',
  },
};

const TRACING: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);

function missingBecause({ kind, statusCode }: BlockedCall): string {
  if (kind !== 'preflight') {
    return statusCode >= 400
      ? `The answer (${statusCode}) carries no CORS headers: errors need them as well, else the page cannot read what went wrong.`
      : 'The answer does not name this origin.';
  }
  if (statusCode === 401 || statusCode === 403) {
    return `The preflight was answered ${statusCode}: it never carries credentials, so CORS has to come before authentication.`;
  }
  if (statusCode === 404 || statusCode === 405) {
    return `The preflight was answered ${statusCode}: nothing handles OPTIONS on this route.`;
  }
  return `The preflight was answered ${statusCode} without this origin.`;
}

/** The configured value differs from the origin by a slash at its end, the most frequent slip of all. */
function isSlashApart({ origin, detail }: BlockedCall): boolean {
  return detail === `${origin}/`;
}

/** Of what was masked or past a budget there is no name to repeat. */
function nameNotKept(what: string): string {
  return `The page asks for ${what} whose name is not kept: the request in its browser's network panel shows it. If it may be used`;
}

function grant(call: BlockedCall): string {
  if (call.origin.startsWith('(invalid)')) {
    return 'No browser sends such an origin: whoever does is no page, and CORS does not concern it.';
  }
  return call.origin === 'null'
    ? 'Origin null is what sandboxed frames, local files and redirects between foreign origins send, so to allow it is to allow everybody: call the final URL, from a page that has an origin.'
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
