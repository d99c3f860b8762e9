import { decide } from '../instrumentation/src/fetch-standard/decide.ts';
import {
  type Credentials,
  type Decision,
  type Exchange,
  type HeaderList,
  isCorsKind,
  type Kind,
} from '../instrumentation/src/fetch-standard/decision.ts';
import type { Context } from '../instrumentation/src/fetch-standard/observed-exchange.ts';
import type { OwnOrigin } from '../instrumentation/src/fetch-standard/origin.ts';
import { isRedirectStatus } from '../instrumentation/src/fetch-standard/redirect-check.ts';
import type { Browser } from './browsers.ts';
import type { HopFacts } from './recordings/chain-facts.ts';
import { headerOf } from './recordings/recorded-request.ts';
import { freshened } from './recordings/stored-answers.ts';

/** What is known in addition to the exchange itself. */
export interface HopContext extends HopFacts {
  readonly browser: Browser;
  /** Sent by a script, so it is not a navigation. */
  readonly isScript: boolean;
  readonly credentials: Credentials;
}

/** Decides an exchange that may be recorded incompletely; missing parts are never guessed. */
export function decideRecorded(hop: HopContext): Decision {
  const { request, response } = hop.exchange;
  const headers = requestHeaders(request.headers ?? [], request.method, hop);
  const stored = hop.isConditionalByPage ? undefined : response.stored;
  const answered = stored === undefined ? response.headers : freshened(stored, response.headers ?? []);
  const exchange: Exchange = {
    request: { method: request.method, url: request.url, headers },
    // Without a recorded status, use the most permissive one: whatever is blocked then is blocked with any
    // status.
    response: { status: response.status ?? 200, headers: answered ?? [] },
  };
  const context: Context = {
    // Shown only to the person who made the recording.
    unmasked: true,
    ownOrigin: ownOrigin(request.url, headers, hop.origin),
    requestHeadersCaptured: request.headers !== undefined,
    responseHeadersCaptured: answered !== undefined,
    notModifiedIsFinal: hop.isConditionalByPage || stored !== undefined,
    // Chrome does not follow a same-origin redirect to a URL with a user name; others follow the standard.
    profile: hop.browser !== 'chrome' && isRedirectStatus(response.status) ? 'spec' : undefined,
  };
  const alone = decide(exchange, { ...context, kind: kindByUrl(request.url) });
  const kind = kindAlong(alone.kind, headers, hop);
  const credentials = isCorsKind(kind) && hop.credentials !== 'unknown' ? hop.credentials : undefined;
  const decision =
    kind === alone.kind && credentials === undefined && !hop.isScript
      ? alone
      : decide(exchange, { ...context, kind, credentials });
  return isKnown(decision, headers, hop)
    ? decision
    : { ...decision, verdict: 'unknown', reason: 'headers_not_captured', detail: '' };
}

/** The kind according to the page and the other exchanges, given what the exchange itself shows. */
function kindAlong(
  alone: Kind,
  headers: HeaderList,
  { isCorsMode, isSameOrigin, isScript }: HopContext,
): Kind {
  if (alone === 'ambiguous' && isCorsMode) return 'actual';
  if (alone === 'no_cors' && isSameOrigin && isScript && headerOf(headers, 'sec-fetch-mode') === undefined)
    return 'same_origin';
  return alone;
}

/** Recorders identify a WebSocket handshake by its URL and omit `Upgrade`. */
function kindByUrl(url: string): Kind | undefined {
  return url.startsWith('ws:') || url.startsWith('wss:') ? 'websocket' : undefined;
}

/** Whether enough was recorded for the decision. */
function isKnown(decision: Decision, headers: HeaderList, { exchange, isSameOrigin }: HopContext): boolean {
  const { request, response } = exchange;
  const { kind, verdict } = decision;
  if (verdict !== 'allowed') return true;
  // Without a response even a same-origin request may have failed at a redirect. `actual` passed its CORS
  // check.
  if (response.status === undefined && (kind === 'preflight' || response.headers === undefined)) {
    return kind === 'navigation' || kind === 'websocket';
  }
  const isKindByAbsence =
    (kind === 'no_cors' || kind === 'same_origin') && headerOf(headers, 'sec-fetch-mode') === undefined;
  return request.headers !== undefined || !isKindByAbsence || isSameOrigin === true;
}

/** The sent headers; a CORS request that was recorded without its Origin gets the Origin it must have had. */
function requestHeaders(
  headers: HeaderList,
  method: string,
  { origin, isSameOrigin, isCorsMode }: HopContext,
): HeaderList {
  if (origin === undefined || headerOf(headers, 'origin') !== undefined) return headers;
  const site = headerOf(headers, 'sec-fetch-site');
  const isCors =
    (method === 'OPTIONS' && headerOf(headers, 'access-control-request-method') !== undefined) ||
    (isCorsMode &&
      (site === undefined ? isSameOrigin === false : site === 'cross-site' || site === 'same-site'));
  return isCors ? [...headers, ['Origin', origin]] : headers;
}

/** Undefined for an absolute URL. The scheme is that of the page if the page has this host. */
function ownOrigin(url: string, headers: HeaderList, pageOrigin: string | undefined): OwnOrigin | undefined {
  if (!url.startsWith('/')) return undefined;
  const host = headerOf(headers, 'host') ?? headerOf(headers, ':authority');
  if (host === undefined) return undefined;
  const page = headerOf(headers, 'origin') ?? headerOf(headers, 'referer') ?? pageOrigin;
  return { scheme: SCHEMES.find((scheme) => isAtHost(page, scheme, host)), host };
}

const SCHEMES = ['http', 'https'] as const;

function isAtHost(page: string | undefined, scheme: string, host: string): boolean {
  const start = `${scheme}://${host}`;
  return page === start || page?.startsWith(`${start}/`) === true;
}
