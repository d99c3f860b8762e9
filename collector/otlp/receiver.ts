import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { Registry } from 'prom-client';
import { guard } from '../../server/access.ts';
import { assertProtected, type Binding, listenError } from '../../server/binding.ts';
import { CONNECTION_TIMEOUTS, limitConnections } from '../../server/connections.ts';
import { addMonitoring, type Monitored } from '../../server/monitor.ts';
import type { InboundTracestate, SamplingRatios } from '../derivation/sampling.ts';
import { receiverMetrics } from '../metrics/metrics.ts';
import { noReceiverCounts, type ReceiverCounters } from './counters.ts';
import { derivationRules } from './decode.ts';
import { signals } from './signals.ts';
import { type AcceptedRequest, traceExport } from './trace-export.ts';

const MIB = 1024 ** 2;
const SWEEP_MILLIS = 50;

export interface ReceiverOptions extends Binding {
  /** 0 selects a free port. */
  readonly port: number;
  /**
   * Resolves once the spans are durably stored, on disk or in Kafka; called only if spans were accepted. A
   * retryable OriginscopeError is answered with 503, others with 400; `OVERLOADED` is retried for
   * `holdMillis` first.
   */
  readonly write: (request: AcceptedRequest) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The result of /readyz: whether spans can be accepted; an error means no. */
  readonly ready: Monitored['ready'];
  /** Data that /healthz reports in addition to the receiver's counters, for example those of the writer. */
  readonly health?: () => Readonly<Record<string, unknown>>;
  /** Metrics that /metrics reports in addition to the receiver's counters, which are added to it. */
  readonly registry?: Registry;
  readonly logger?: FastifyBaseLogger;
  /** The ratios at which services sample the HTTP spans that decisions are derived from. Default: unknown. */
  readonly samplingRatios?: SamplingRatios | undefined;
  /** Whether the tracestate of a request is used where no ratio is configured. Default `ignored`. */
  readonly inboundTracestate?: InboundTracestate;
  /** Maximum bytes of an inflated body; larger ones are answered with 413. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** The same for JSON, which takes more memory and time than protobuf. Default 8 MiB. */
  readonly maxJsonBytes?: number;
  /**
   * Maximum bytes of all bodies that are being read or written; further requests are rejected. Default 64
   * MiB.
   */
  readonly maxHeldBytes?: number;
  /** How long a body may take to arrive. Default 10,000, the timeout of exporters. */
  readonly arrivalMillis?: number;
  /**
   * Maximum of concurrent connections; one more closes the one that waited longest for its sender. Default
   * 2,048.
   */
  readonly maxConnections?: number;
  /** How long a request waits while the writer is overloaded. Default 2,000. */
  readonly holdMillis?: number;
  /** How long `close` waits for unfinished requests. Default 10,000. */
  readonly closeMillis?: number;
}

export interface Receiver {
  readonly counters: ReceiverCounters;
  /** The HTTP server, to which other folders add routes before `listen`. */
  readonly server: FastifyInstance;
  /**
   * Starts to accept connections and resolves with the URL.
   *
   * @throws OriginscopeError `PORT_TAKEN`, `PORT_FORBIDDEN`, `HOST_UNAVAILABLE`
   */
  listen(): Promise<string>;
  /** Stops accepting and resolves when pending requests are answered; safe to call twice. */
  close(): Promise<void>;
}

/**
 * The OTLP/HTTP receiver (https://opentelemetry.io/docs/specs/otlp/#otlphttp): a request is answered with
 * 200 only after it is written.
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
    holdMillis: options.holdMillis ?? 2_000,
    counters,
  });
  const access = guard(server, options);
  server.register(signals, { exportTraces, access, counters, now: options.now });

  const { registry = new Registry() } = options;
  receiverMetrics(registry, counters);
  const monitored = { registry, ready, health: () => ({ receiver: counters, ...health?.() }) };
  addMonitoring(server, monitored, access);

  return {
    counters,
    server,
    async listen() {
      try {
        return await server.listen({ host, port });
      } catch (error) {
        throw listenError(error, host, port);
      }
    },
    async close() {
      // Otherwise the server would wait for connections that were busy when it began to close, long after
      // their response.
      const sweep = setInterval(() => server.server.closeIdleConnections(), SWEEP_MILLIS);
      const cut = setTimeout(() => server.server.closeAllConnections(), options.closeMillis ?? 10_000);
      await server.close().finally(() => {
        clearInterval(sweep);
        clearTimeout(cut);
      });
    },
  };
}
