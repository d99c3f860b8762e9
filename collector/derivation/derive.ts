import { OBSERVED } from '../../instrumentation/src/attributes.ts';
import { cleanText } from '../../instrumentation/src/fetch-standard/clean-text.ts';
import { decide } from '../../instrumentation/src/fetch-standard/decide.ts';
import {
  type CorsKind,
  type Decision,
  type HeaderList,
  isCorsKind,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import { maskPath } from '../../instrumentation/src/http/mask-path.ts';
import { hostName } from '../../instrumentation/src/http/server-view.ts';
import { authorityOf } from './authority.ts';
import {
  type HeaderKeys,
  type HttpAttributes,
  METHOD,
  ORIGINAL_METHOD,
  PATH,
  REQUEST_HEADER_KEYS,
  RESPONSE_HEADER_KEYS,
  ROUTE,
  STATUS,
  textOf,
} from './http-attributes.ts';

/**
 * Which headers the observer is known to capture whenever they are present, so that a missing one was
 * absent.
 */
export interface Captured {
  readonly request: boolean;
  readonly response: boolean;
  /** Response headers must not be used for conclusions at all. */
  readonly responseUnreliable?: boolean;
}

/** A decision derived from attributes, with the other facts they contain. */
export interface DerivedDecision {
  readonly decision: Decision & { readonly kind: CorsKind };
  readonly statusCode: number;
  readonly route: string;
  /** The API's host name as used by the client; empty when unknown. */
  readonly apiHost: string;
  /** Masked, without query; empty when unknown. */
  readonly path: string;
}

/**
 * Decides what a browser does with the exchange that the attributes describe. Pure; never throws.
 *
 * @returns `no_candidate` when nothing in them suggests CORS, or our instrumentation decided the exchange
 * already (`cors.observed`); `no_decision` when a candidate is not a CORS request after all, or has no
 * method or response
 */
export function derive(
  attributes: HttpAttributes,
  captured: Captured,
): DerivedDecision | 'no_candidate' | 'no_decision' {
  if (!isCandidate(attributes)) return 'no_candidate';
  const method = methodOf(attributes);
  const status = statusOf(attributes);
  if (method === '' || status === 0) return 'no_decision';

  const path = textOf(attributes, PATH);
  const route = cleanText(textOf(attributes, [ROUTE]));
  const request = headersOf(attributes, REQUEST_HEADER_KEYS);
  const response = headersOf(attributes, RESPONSE_HEADER_KEYS);
  const authority = authorityOf(attributes, textOf(attributes, ORIGIN));
  const decision = decide(
    {
      // The host is known from the authority.
      request: { method, url: path.startsWith('/') ? path : '/', headers: request },
      response: { status, headers: response },
    },
    {
      ownOrigin: authority.ownOrigin,
      requestHeadersCaptured: captured.request,
      responseHeadersCaptured: captured.response || isAbsenceEvident(response, captured),
    },
  );
  if (!isCors(decision)) return 'no_decision';
  return {
    decision,
    statusCode: status,
    route,
    apiHost: authority.host === '' ? '' : (hostName(authority.host) ?? ''),
    path: path === '' ? '' : cleanText(maskPath(path, route), 512),
  };
}

const ORIGIN = keysOf('origin');
const REQUEST_METHOD = keysOf('access-control-request-method');
const FETCH_MODE = keysOf('sec-fetch-mode');
const FETCH_SITE = keysOf('sec-fetch-site');

function keysOf(name: string): readonly string[] {
  return REQUEST_HEADER_KEYS.find((header) => header.name === name)?.keys ?? [];
}

/** Filters out nearly all HTTP spans. */
function isCandidate(attributes: HttpAttributes): boolean {
  const isPossible =
    textOf(attributes, ORIGIN) !== '' ||
    textOf(attributes, REQUEST_METHOD) !== '' ||
    // The Origin header was removed in transit.
    (textOf(attributes, FETCH_MODE) === 'cors' && textOf(attributes, FETCH_SITE) !== 'same-origin');
  return isPossible && attributes.get(OBSERVED) !== 'true';
}

function methodOf(attributes: HttpAttributes): string {
  const method = textOf(attributes, METHOD);
  return method === '_OTHER' ? attributes.get(ORIGINAL_METHOD) || method : method;
}

function statusOf(attributes: HttpAttributes): number {
  const status = textOf(attributes, STATUS);
  return /^[1-9]\d\d$/.test(status) ? Number(status) : 0;
}

function headersOf(attributes: HttpAttributes, headers: readonly HeaderKeys[]): HeaderList {
  const list: [string, string][] = [];
  for (const { name, keys } of headers) {
    const value = textOf(attributes, keys);
    if (value !== '') list.push([name, value]);
  }
  return list;
}

/**
 * Whether Access-Control-Allow-Origin is certainly absent although captured headers were not declared: an
 * observer that captures any of the CORS response headers captures this one, too. No other absence is
 * inferred.
 */
function isAbsenceEvident(response: HeaderList, captured: Captured): boolean {
  if (captured.responseUnreliable === true) return false;
  const names = response.map(([name]) => name).filter((name) => name.startsWith('access-control-'));
  return names.length > 0 && !names.includes('access-control-allow-origin');
}

function isCors(decision: Decision): decision is Decision & { readonly kind: CorsKind } {
  return isCorsKind(decision.kind);
}
