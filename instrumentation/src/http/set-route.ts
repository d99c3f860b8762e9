import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2';
import { guard } from '../guard.ts';
import { pendingExchange } from './pending-exchange.ts';

/** Node's object for a request: what frameworks call the raw request. */
export type NodeRequest = IncomingMessage | Http2ServerRequest | ServerHttp2Stream;

/**
 * Sets the route template of a request, for frameworks that do not expose it. Takes precedence over tracing
 * and the framework. It has no effect once the response headers are written, and without an active
 * `CorsInstrumentation`. Never throws.
 *
 * @param request Node's request; others, and `undefined`, are ignored
 * @param route a template, such as `/users/:id`; other than strings are ignored
 */
export function setRoute(request: NodeRequest | undefined, route: unknown): void {
  declareRoute(request, route);
}

const declareRoute = guard(
  'Setting a route',
  (request: NodeRequest | undefined, route: unknown) => {
    if (typeof route !== 'string' || typeof request !== 'object' || request === null) return;
    const pending = pendingExchange(
      'stream' in request ? request.stream : (request as IncomingMessage | ServerHttp2Stream),
    );
    if (pending !== undefined) pending.declaredRoute = route;
  },
  undefined,
);
