import type { Credentials, Exchange } from './decision.ts';
import { type HeaderReader, readHeaderList } from './header-list.ts';
import type { OwnOrigin } from './origin.ts';

/** An exchange as the rules read it: headers by name, wherever they are kept. */
export interface ObservedExchange {
  readonly method: string;
  /** The request target as received: a path with query, or an absolute URL. */
  readonly url: string;
  readonly requestHeaders: HeaderReader;
  readonly status: number;
  readonly responseHeaders: HeaderReader;
}

/** What the observer knows beside the exchange. */
export interface Context {
  /** Undefined when unknown; an absolute request URL then stands for it. */
  readonly ownOrigin?: OwnOrigin | undefined;
  /** The credentials mode, where the page's side is known; otherwise it is concluded from the request. */
  readonly credentials?: Exclude<Credentials, 'unknown'> | undefined;
  /** `browser` (default): what browsers do; `spec`: the letter of the Fetch standard. */
  readonly profile?: 'browser' | 'spec' | undefined;
  /** False when an absent request header may just not have been recorded. Default true. */
  readonly requestHeadersCaptured?: boolean | undefined;
  /** False when an absent response header may just not have been recorded. Default true. */
  readonly responseHeadersCaptured?: boolean | undefined;
}

/** Plain data to what the rules read. */
export function observeExchange(exchange: Exchange): ObservedExchange {
  return {
    method: exchange.request.method,
    url: exchange.request.url,
    requestHeaders: readHeaderList(exchange.request.headers),
    status: exchange.response.status,
    responseHeaders: readHeaderList(exchange.response.headers),
  };
}
