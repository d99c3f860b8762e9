import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { guard } from '../guard.ts';
import { pendingExchange } from './pending-exchange.ts';

/** The part of Fastify (≥ 4) used here; it is not imported. */
interface FastifyRequest {
  readonly raw: IncomingMessage | Http2ServerRequest;
  readonly routeOptions?: { readonly url?: string | undefined };
}
interface FastifyInstance {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): void;
}

/**
 * Captures the route templates of Fastify applications created from now on. Fastify's handler channels
 * would slow down every request; a hook costs nothing without an `Origin`, and it knows the route before
 * the hooks of plugins may reject the request.
 *
 * @returns a function that unsubscribes
 */
export function watchFastifyRoutes(): () => void {
  const noteRoute = guard(
    'Reading a Fastify route',
    (request: FastifyRequest) => {
      const pending = pendingExchange('stream' in request.raw ? request.raw.stream : request.raw);
      if (pending === undefined) return;
      const url = request.routeOptions?.url;
      // The catch-all that @fastify/cors registers for preflights is not a route.
      if (url !== undefined && url !== '*') pending.route = url;
    },
    undefined,
  );
  const onInitialization = guard(
    'Hooking into Fastify',
    (message: unknown) => {
      const { fastify } = message as { fastify: FastifyInstance };
      fastify.addHook('onRequest', (request, _reply, done) => {
        noteRoute(request);
        done();
      });
    },
    undefined,
  );
  subscribe('fastify.initialization', onInitialization);
  return () => {
    unsubscribe('fastify.initialization', onInitialization);
  };
}
