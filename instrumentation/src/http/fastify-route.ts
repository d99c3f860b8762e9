import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { guard } from '../guard.ts';
import { pendingExchange } from './pending-exchange.ts';

/** What is used of Fastify (≥ 4), which is not imported. */
interface FastifyRequest {
  readonly raw: IncomingMessage | Http2ServerRequest;
  readonly routeOptions?: { readonly url?: string | undefined };
}
interface FastifyInstance {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): void;
}

/**
 * Learns the route templates of Fastify applications that are created from now on. Its handler channels would
 * slow down every request; a hook costs nothing without an `Origin`, and knows the route before the hooks of
 * plugins may refuse the request.
 *
 * @returns ends the subscription
 */
export function watchFastifyRoutes(): () => void {
  const noteRoute = guard(
    'Reading a Fastify route',
    (request: FastifyRequest) => {
      const pending = pendingExchange('stream' in request.raw ? request.raw.stream : request.raw);
      if (pending === undefined) return;
      const url = request.routeOptions?.url;
      // The catch-all that @fastify/cors registers for preflights names no route.
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
