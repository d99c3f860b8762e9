import type { Credentials, Kind } from './decision.ts';
import type { HeaderReader, RequestHeaders, ResponseHeaders } from './header-list.ts';
import type { OwnOrigin } from './origin.ts';

/**
 * An exchange as an instrumentation hook sees it: plain data except for the headers, which are not copied
 * first.
 */
export interface ObservedExchange {
  readonly method: string;
  /** The request target as received: a path with query, or an absolute URL. */
  readonly url: string;
  readonly requestHeaders: HeaderReader;
  readonly status: number;
  readonly responseHeaders: HeaderReader;
}

/** An exchange as the rules read it: the relevant headers, by name. */
export interface CorsExchange {
  readonly method: string;
  readonly url: string;
  readonly request: RequestHeaders;
  readonly status: number;
  readonly response: ResponseHeaders;
}

/** What the observer knows in addition to the exchange. */
export interface Context {
  /** Undefined when unknown; an absolute request URL is used instead. */
  readonly ownOrigin?: OwnOrigin | undefined;
  /** The kind of request, where it is known; otherwise it is inferred. */
  readonly kind?: Kind | undefined;
  /** The credentials mode, where the page is known; otherwise it is inferred. */
  readonly credentials?: Exclude<Credentials, 'unknown'> | undefined;
  /** `browser` (default): what browsers do; `spec`: what the Fetch standard says. */
  readonly profile?: 'browser' | 'spec' | undefined;
  /**
   * True when a 304 is final: the page itself made the request conditional, or the response is the
   * freshened stored one. Otherwise the browser may merge it with a stored response that is unknown here.
   */
  readonly notModifiedIsFinal?: boolean | undefined;
  /** False when request headers may be missing because they were not recorded. Default true. */
  readonly requestHeadersCaptured?: boolean | undefined;
  /**
   * True when the decision is for the person who recorded the exchange: detail, method and header names are
   * not masked (see mask.ts).
   */
  readonly unmasked?: boolean | undefined;
  /** False when response headers may be missing because they were not recorded. Default true. */
  readonly responseHeadersCaptured?: boolean | undefined;
}
