import { cleanText } from './clean-text.ts';
import { credentialsOf } from './credentials.ts';
import {
  type AllowOrigin,
  type Decision,
  type DetailedReason,
  type Exchange,
  SITES,
  type Site,
} from './decision.ts';
import { REQUEST_HEADERS, RESPONSE_HEADERS, readHeaderList } from './header-list.ts';
import { kindOf } from './kind.ts';
import { maskDetail, maskMethod } from './mask.ts';
import { parseMaxAge } from './max-age.ts';
import { notesOf, variesOnOrigin } from './notes.ts';
import type { Context, CorsExchange, ObservedExchange } from './observed-exchange.ts';
import { normaliseOrigin } from './origin.ts';
import { preflightRequest } from './preflight-check.ts';
import { cleanName, keptNames, type RequestedHeaders } from './requested-headers.ts';
import { judge } from './verdict.ts';

/**
 * Decides what a browser does with an exchange, given what the server saw. Pure; accepts any bytes and
 * never throws. Values that the decision copies from the exchange are masked (see mask.ts) unless the
 * context says otherwise.
 */
export function decide({ request, response }: Exchange, context: Context = {}): Decision {
  const observed = {
    method: request.method,
    url: request.url,
    requestHeaders: readHeaderList(request.headers),
    status: response.status,
    responseHeaders: readHeaderList(response.headers),
  };
  return decideObserved(observed, context);
}

/** As `decide`, but reads headers without copying them first (see header-list.ts). */
export function decideObserved(observed: ObservedExchange, context: Context): Decision {
  const { method, url, status } = observed;
  const request = observed.requestHeaders.pick(REQUEST_HEADERS);
  const response = observed.responseHeaders.pick(RESPONSE_HEADERS);
  const exchange: CorsExchange = { method, url, request, status, response };
  const origin = request.origin;
  const kind = context.kind ?? kindOf(exchange, origin, context);
  const credentials = credentialsOf(kind, request, context);
  const preflight = kind === 'preflight' ? preflightRequest(request) : undefined;
  const outcome = judge({ exchange, kind, origin, preflight }, credentials, context);
  const { verdict, reason } = outcome;
  const withCredentials = outcome.withCredentials && kept(outcome.withCredentials, context);

  const allowOrigin = relateAllowOrigin(response['access-control-allow-origin'], origin);
  const allowCredentials = response['access-control-allow-credentials'] === 'true';
  const maxAge = parseMaxAge(response['access-control-max-age']);
  const varyOrigin = variesOnOrigin(response);
  const facts = {
    kind,
    verdict,
    withCredentials,
    origin,
    allowOrigin,
    allowCredentials,
    varyOrigin,
    maxAge,
    preflight,
  };
  const site = fetchSiteOf(request['sec-fetch-site']);
  return {
    kind,
    verdict,
    reason,
    detail: keptDetail(outcome, context),
    origin: origin === null ? '' : normaliseOrigin(origin),
    requestMethod: keptMethod(preflight === undefined ? method : preflight.method, context),
    requestHeaders: preflight === undefined ? NO_NAMES : keptHeaders(preflight.headers, context),
    credentials,
    withCredentials,
    allowOrigin,
    allowCredentials,
    maxAge,
    varyOrigin,
    site,
    browser: site !== 'unknown' || request['sec-fetch-mode'] !== null,
    notes: notesOf(exchange, facts),
  };
}

const NO_NAMES: readonly string[] = Object.freeze([]);

function kept({ reason, detail }: DetailedReason, context: Context): DetailedReason {
  return { reason, detail: keptDetail({ reason, detail }, context) };
}

function keptDetail({ reason, detail }: Pick<Decision, 'reason' | 'detail'>, { unmasked }: Context): string {
  return unmasked ? cleanText(detail) : maskDetail(reason, detail);
}

function keptMethod(method: string, { unmasked }: Context): string {
  return unmasked ? cleanName(method) : maskMethod(method);
}

function keptHeaders({ names, kept }: RequestedHeaders, { unmasked }: Context): readonly string[] {
  return unmasked ? keptNames(names, cleanName) : kept;
}

function relateAllowOrigin(value: string | null, origin: string | null): AllowOrigin {
  if (value === null) return 'absent';
  if (value === '*') return 'wildcard';
  if (value === 'null') return 'null';
  return value === origin ? 'exact' : 'other';
}

function fetchSiteOf(value: string | null): Site {
  return value !== null && isSite(value) ? value : 'unknown';
}

function isSite(value: string): value is Site {
  return (SITES as readonly string[]).includes(value);
}
