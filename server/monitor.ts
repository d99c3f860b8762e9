import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { type Access, guard } from './access.ts';
import { type Binding, listenError } from './binding.ts';
import { answerClientError, CONNECTION_TIMEOUTS, limitConnections } from './connections.ts';

/** Whether a process is ready, or what is missing for that, in sentences. */
export type Readiness =
  | boolean
  | {
      readonly missing: readonly string[];
      /** Problems that do not affect readiness, in sentences. */
      readonly troubles?: readonly string[];
    };

/** What a process tells about itself. */
export interface Monitored {
  readonly registry: Registry;
  /** An error means no. */
  readonly ready: () => Readiness | Promise<Readiness>;
  /** What /healthz reports in addition to the status. */
  readonly health: () => Readonly<Record<string, unknown>>;
}

/**
 * Adds /metrics (Prometheus), /healthz (liveness) and /readyz (readiness of its dependencies) to a server. With a
 * token, metrics and details require it; probes only need the status.
 */
export function addMonitoring(
  server: FastifyInstance,
  { registry, ready, health }: Monitored,
  access: Access,
): void {
  server.get('/metrics', async ({ headers }, reply) => {
    access.assertToken(headers);
    reply.type(registry.contentType);
    return registry.metrics();
  });
  server.get('/healthz', async ({ headers }) => ({
    status: 'ok',
    ...(access.mayReadDetails(headers) && health()),
  }));
  server.get('/readyz', async ({ headers }, reply) => {
    const readiness = await Promise.resolve()
      .then(ready)
      .catch(() => false);
    const missing = typeof readiness === 'boolean' ? [] : readiness.missing;
    const troubles = typeof readiness === 'boolean' ? [] : (readiness.troubles ?? []);
    const isReady = typeof readiness === 'boolean' ? readiness : missing.length === 0;
    reply.code(isReady ? 200 : 503);
    return {
      ready: isReady,
      ...(access.mayReadDetails(headers) && {
        ...(missing.length > 0 && { missing }),
        ...(troubles.length > 0 && { troubles }),
      }),
    };
  });
}

export interface Monitor {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the monitoring endpoints of a process without an HTTP server of its own.
 *
 * @throws OriginscopeError `PORT_TAKEN`, `PORT_FORBIDDEN`, `HOST_UNAVAILABLE`
 */
export async function startMonitor(
  options: Monitored &
    Pick<Binding, 'host' | 'token'> & { readonly port: number; readonly logger: FastifyBaseLogger },
): Promise<Monitor> {
  const { host, port, logger } = options;
  const server: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
    ...CONNECTION_TIMEOUTS,
  });
  limitConnections(server.server, { most: 128 });
  addMonitoring(server, options, guard(server, options));
  try {
    const url = await server.listen({ host, port });
    return { url, close: () => server.close() };
  } catch (error) {
    throw listenError(error, host, port, '--metrics-port');
  }
}
