import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';

/** An exchange whose request is there, and whose response is not. */
export interface PendingExchange {
  /** The request target as it was received: routers rewrite it on the way to a handler. */
  readonly url: string;
  /** The route template; a framework's hook writes it here when it learns it. */
  route: string | undefined;
  isReported: boolean;
}

/** What Node hands around for a request: all that is said about it later is said with this. */
type Carrier = (IncomingMessage | ServerHttp2Stream) & { [PENDING]?: PendingExchange };

/** A property costs a few nanoseconds where a WeakMap costs a hundred. */
const PENDING = Symbol('originscope.cors.pending');

export function addPendingExchange(carrier: Carrier, url: string): void {
  carrier[PENDING] = { url, route: undefined, isReported: false };
}

/** The exchange that was added and not reported yet; undefined for a request without an `Origin`. */
export function pendingExchange(carrier: Carrier): PendingExchange | undefined {
  const pending = carrier[PENDING];
  return pending?.isReported ? undefined : pending;
}
