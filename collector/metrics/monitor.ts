import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { listenError } from '../binding.ts';

/** What a process tells about itself. */
export interface Monitored {
  readonly registry: Registry;
  /** Whether it can do its work now; an error means no. */
  readonly ready: () => boolean | Promise<boolean>;
  /** What /healthz tells beside the status. */
  readonly health: () => Readonly<Record<string, unknown>>;
}

/** Adds /metrics (Prometheus), /healthz (the process lives) and /readyz (its dependencies do, too) to a server. */
export function addMonitoring(server: FastifyInstance, { registry, ready, health }: Monitored): void {
  server.get('/metrics', async (_, reply) => {
    reply.type(registry.contentType);
    return registry.metrics();
  });
  server.get('/healthz', async () => ({ status: 'ok', ...health() }));
  server.get('/readyz', async (_, reply) => {
    const isReady = await Promise.resolve()
      .then(ready)
      .catch(() => false);
    reply.code(isReady ? 200 : 503);
    return { ready: isReady };
  });
}

export interface Monitor {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Answers for a process that has no door of its own.
 *
 * @throws OriginscopeError `PORT_TAKEN`, `PORT_FORBIDDEN`, `HOST_UNAVAILABLE`
 */
export async function startMonitor(
  options: Monitored & { readonly host: string; readonly port: number; readonly logger: FastifyBaseLogger },
): Promise<Monitor> {
  const { host, port, logger } = options;
  const server: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  addMonitoring(server, options);
  try {
    const url = await server.listen({ host, port });
    return { url, close: () => server.close() };
  } catch (error) {
    throw listenError(error, host, port, '--metrics-port');
  }
}
