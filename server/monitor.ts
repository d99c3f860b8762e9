import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { type Access, guard } from './access.ts';
import { type Binding, listenError } from './binding.ts';
import { CONNECTION_TIMEOUTS, limitConnections } from './connections.ts';

/** Whether a process can do its work: yes, no, or what is missing for that, in sentences. */
export type Readiness =
  | boolean
  | {
      readonly missing: readonly string[];
      /** What goes wrong and does not keep it from its work, in sentences. */
      readonly troubles?: readonly string[];
    };

/** What a process tells about itself. */
export interface Monitored {
  readonly registry: Registry;
  /** Whether it can do its work now; an error means no. */
  readonly ready: () => Readiness | Promise<Readiness>;
  /** What /healthz tells beside the status. */
  readonly health: () => Readonly<Record<string, unknown>>;
}

/**
 * Adds /metrics (Prometheus), /healthz (the process lives) and /readyz (its dependencies do, too) to a server.
 * Where there is a token, metrics and details are for those who present it; probes need nothing but the status.
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
 * Answers for a process that has no door of its own.
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
