import type { Credentials, Kind } from './decision.ts';
import type { HeaderReader, RequestHeaders, ResponseHeaders } from './header-list.ts';
import type { OwnOrigin } from './origin.ts';

/** An exchange as a hook has it: plain data but for the headers, which need not be copied first. */
export interface ObservedExchange {
  readonly method: string;
  /** The request target as received: a path with query, or an absolute URL. */
  readonly url: string;
  readonly requestHeaders: HeaderReader;
  readonly status: number;
  readonly responseHeaders: HeaderReader;
}

/** An exchange as the rules read it: the headers that matter, by name. */
export interface CorsExchange {
  readonly method: string;
  readonly url: string;
  readonly request: RequestHeaders;
  readonly status: number;
  readonly response: ResponseHeaders;
}

/** What the observer knows beside the exchange. */
export interface Context {
  /** Undefined when unknown; an absolute request URL then stands for it. */
  readonly ownOrigin?: OwnOrigin | undefined;
  /** What kind of request it was, where more is known than this exchange shows; otherwise it is concluded. */
  readonly kind?: Kind | undefined;
  /** The credentials mode, where the page's side is known; otherwise it is concluded from the request. */
  readonly credentials?: Exclude<Credentials, 'unknown'> | undefined;
  /** `browser` (default): what browsers do; `spec`: the letter of the Fetch standard. */
  readonly profile?: 'browser' | 'spec' | undefined;
  /**
   * True when a 304 is the last word: the page itself made the request conditional, or the response is the
   * stored one, freshened. Otherwise the browser may merge it with a stored response that nobody here knows.
   */
  readonly notModifiedIsFinal?: boolean | undefined;
  /** False when an absent request header may just not have been recorded. Default true. */
  readonly requestHeadersCaptured?: boolean | undefined;
  /**
   * True when the decision is for whoever recorded the exchange: its detail, method and header names are as they
   * were sent, not masked (see mask.ts).
   */
  readonly unmasked?: boolean | undefined;
  /** False when an absent response header may just not have been recorded. Default true. */
  readonly responseHeadersCaptured?: boolean | undefined;
}
