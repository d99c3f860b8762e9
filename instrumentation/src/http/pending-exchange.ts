import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';

/** An exchange whose response is not sent yet. */
export interface PendingExchange {
  /** The request target as received: routers rewrite it before a handler sees it. */
  readonly url: string;
  /** The route template, set by the hook of a framework. */
  route: string | undefined;
  /** The route template, set by the application. */
  declaredRoute: string | undefined;
  isReported: boolean;
}

/** Node's object for a request, to which the pending exchange is attached. */
type Carrier = (IncomingMessage | ServerHttp2Stream) & { [PENDING]?: PendingExchange };

/**
 * A property, because it costs a few nanoseconds and a WeakMap costs a hundred. Shared by all copies of this
 * package: `register` and the application may load different ones.
 */
const PENDING = Symbol.for('@originscope/instrumentation-cors/pending');

export function addPendingExchange(carrier: Carrier, url: string): void {
  carrier[PENDING] = { url, route: undefined, declaredRoute: undefined, isReported: false };
}

/** The exchange that was added and not reported yet; undefined for a request without an `Origin`. */
export function pendingExchange(carrier: Carrier): PendingExchange | undefined {
  const pending = carrier[PENDING];
  return pending?.isReported ? undefined : pending;
}
