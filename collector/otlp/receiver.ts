import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { Registry } from 'prom-client';
import { guard } from '../../server/access.ts';
import { assertProtected, type Binding, listenError } from '../../server/binding.ts';
import { answerClientError, CONNECTION_TIMEOUTS, limitConnections } from '../../server/connections.ts';
import { addMonitoring, type Monitored } from '../../server/monitor.ts';
import type { AddRoutes } from '../../server/routes.ts';
import type { InboundTracestate, SamplingRatios } from '../derivation/sampling.ts';
import { noReceiverCounts, type ReceiverCounters } from './counters.ts';
import { derivationRules } from './decode.ts';
import { signals } from './endpoints.ts';
import { receiverMetrics } from './receiver-metrics.ts';
import { type AcceptedRequest, traceExport } from './trace-export.ts';

const MIB = 1024 ** 2;
const SWEEP_MILLIS = 50;

export interface ReceiverOptions extends Binding {
  /** 0 picks a free port. */
  readonly port: number;
  /**
   * Resolves once the spans are durably stored, on disk or in Kafka; called only if spans were accepted. An
   * OriginscopeError is answered with the status of its code.
   */
  readonly write: (request: AcceptedRequest) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What /readyz reports: whether spans can be accepted now; an error means no. */
  readonly ready: Monitored['ready'];
  /** What /healthz reports in addition to the receiver's counters, such as those of the writer. */
  readonly health?: () => Readonly<Record<string, unknown>>;
  /** The receiver's metrics are added to it. */
  readonly registry?: Registry;
  /** Routes of other folders, on the same port. */
  readonly routes?: AddRoutes;
  readonly logger?: FastifyBaseLogger;
  /** Sampling ratios of the HTTP spans that decisions are derived from. Default: unknown. */
  readonly samplingRatios?: SamplingRatios | undefined;
  /** Whether the tracestate of a request counts where no ratio is given. Default `ignored`. */
  readonly inboundTracestate?: InboundTracestate;
  /** Maximum bytes of an inflated body; larger ones are answered with 413. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** The same for JSON, which takes more memory and time than protobuf. Default 8 MiB. */
  readonly maxJsonBytes?: number;
  /** Bytes of all bodies that are being read or written; beyond it requests are rejected. Default 64 MiB. */
  readonly maxHeldBytes?: number;
  /** How long a body may take to arrive. Default 10,000, the timeout of exporters. */
  readonly arrivalMillis?: number;
  /** Concurrent connections; one more closes the one that has waited longest for its client. Default 2,048. */
  readonly maxConnections?: number;
  /** How long `close` waits for unfinished requests. Default 10,000. */
  readonly closeMillis?: number;
}

export interface Receiver {
  readonly counters: ReceiverCounters;
  /**
   * Starts accepting.
   *
   * @returns the URL
   * @throws OriginscopeError `PORT_TAKEN`, `PORT_FORBIDDEN`, `HOST_UNAVAILABLE`
   */
  listen(): Promise<string>;
  /** Stops accepting and resolves when held requests are answered. Safe to call twice. */
  close(): Promise<void>;
}

/** For a person who opens the address in a browser. */
const WELCOME = `This is the receiver of Originscope: it stores what browsers do with cross-origin responses.

Services send OTLP/HTTP to POST /v1/traces here (ORIGINSCOPE_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT).
The results are in "originscope report". For monitoring: /metrics, /healthz, /readyz.
`;

/**
 * OTLP/HTTP receiver (https://opentelemetry.io/docs/specs/otlp/#otlphttp): a request is answered with
 * 200 only after it is stored.
 *
 * @throws OriginscopeError `HOST_NEEDS_TOKEN`
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  assertProtected(options);
  const { host, port, logger, ready, health } = options;
  const counters = noReceiverCounts();
  const server: FastifyInstance = Fastify({
    ...(logger !== undefined && { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: answerClientError,
    ...CONNECTION_TIMEOUTS,
  });
  limitConnections(server.server, {
    most: options.maxConnections ?? 2_048,
    closed: () => counters.closedConnections++,
  });

  const exportTraces = traceExport({
    write: options.write,
    rules: derivationRules(options.samplingRatios, options.inboundTracestate),
    now: options.now,
    maxBodyBytes: options.maxBodyBytes ?? 16 * MIB,
    maxJsonBytes: options.maxJsonBytes ?? 8 * MIB,
    maxHeldBytes: options.maxHeldBytes ?? 64 * MIB,
    arrivalMillis: options.arrivalMillis ?? 10_000,
    counters,
  });
  const access = guard(server, options);
  server.register(signals, { exportTraces, access, counters, now: options.now });

  const { registry = new Registry() } = options;
  receiverMetrics(registry, counters);
  const monitored = { registry, ready, health: () => ({ receiver: counters, ...health?.() }) };
  addMonitoring(server, monitored, access);
  server.get('/', (_, reply) => reply.type('text/plain; charset=utf-8').send(WELCOME));
  options.routes?.(server, access);

  return {
    counters,
    async listen() {
      try {
        return await server.listen({ host, port });
      } catch (error) {
        throw listenError(error, host, port);
      }
    },
    async close() {
      // The server would wait for connections that were busy when it began to close, long after their response.
      const sweep = setInterval(() => server.server.closeIdleConnections(), SWEEP_MILLIS);
      const cut = setTimeout(() => server.server.closeAllConnections(), options.closeMillis ?? 10_000);
      await server.close().finally(() => {
        clearInterval(sweep);
        clearTimeout(cut);
      });
    },
  };
}
