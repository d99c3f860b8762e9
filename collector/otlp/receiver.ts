import Fastify, {
  errorCodes,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { noReceiverCounts, type ReceiverCounters } from '../counters.ts';
import type { DecisionSpan } from '../decision-span.ts';
import { bearerCheck } from './bearer.ts';
import { assertProtected, type Binding, listenError } from './binding.ts';
import type { Encoding } from './decode.ts';
import { failureOf } from './failures.ts';
import { CONTENT_TYPES, exportResponse, rejectionMessage, statusBody } from './replies.ts';
import { traceExport } from './trace-export.ts';

const MIB = 1024 ** 2;
const SWEEP_MILLIS = 50;

/** How long a request may take to arrive. */
const ARRIVAL_MILLIS = 30_000;

export interface ReceiverOptions extends Binding {
  /** 0 takes a free port. */
  readonly port: number;
  /**
   * Resolves when the spans are on disk. An OriginscopeError that is retryable is answered with 503, one that
   * is not with 400; `OVERLOADED` is tried again for `holdMillis` first.
   */
  readonly write: (spans: readonly DecisionSpan[]) => Promise<void>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** What /readyz answers: whether spans can be taken now. */
  readonly ready: () => boolean | Promise<boolean>;
  /** What /healthz tells beside the receiver's own counters, for example those of the writer. */
  readonly health?: () => Readonly<Record<string, unknown>>;
  readonly logger?: FastifyBaseLogger;
  /** Bytes of a body after inflating; larger ones are answered with 413. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Bytes of all bodies that are being read or wait for their write; beyond it requests are turned away. Default 128 MiB. */
  readonly maxHeldBytes?: number;
  /** How long a request is held while the writer is overloaded. Default 2,000. */
  readonly holdMillis?: number;
  /** How long `close` waits for senders that do not finish their requests. Default 10,000. */
  readonly closeMillis?: number;
}

export interface Receiver {
  readonly counters: ReceiverCounters;
  /** The HTTP server: other rooms add their routes before `listen`. */
  readonly server: FastifyInstance;
  /**
   * Starts to accept; resolves with the URL. Throws OriginscopeError `PORT_TAKEN`, `PORT_FORBIDDEN`,
   * `HOST_UNAVAILABLE`.
   */
  listen(): Promise<string>;
  /** Accepts no more, and resolves when what is held has been answered; safe to call twice. */
  close(): Promise<void>;
}

/**
 * The OTLP/HTTP door (https://opentelemetry.io/docs/specs/otlp/#otlphttp): a request is answered 200 only after
 * its spans are written. Throws OriginscopeError `HOST_NEEDS_TOKEN`.
 */
export function createReceiver(options: ReceiverOptions): Receiver {
  assertProtected(options);
  const { host, port, token, logger, ready, health } = options;
  const counters = noReceiverCounts();
  const server: FastifyInstance = Fastify({
    ...(logger !== undefined && { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: ARRIVAL_MILLIS,
  });

  const exportTraces = traceExport({
    write: options.write,
    now: options.now,
    maxBodyBytes: options.maxBodyBytes ?? 16 * MIB,
    maxHeldBytes: options.maxHeldBytes ?? 128 * MIB,
    holdMillis: options.holdMillis ?? 2_000,
    counters,
  });

  server.register(async (signals) => {
    const check = token === undefined ? undefined : bearerCheck(token);
    signals.addHook('onRequest', async (request) => check?.(request.headers.authorization));
    signals.setErrorHandler((error, request, reply) => {
      const { status, rpc, counter, message } = failureOf(error);
      counters.requests[counter]++;
      if (counter === 'failed' || counter === 'refused') request.log.error(error, message);
      if (status === 401) reply.header('www-authenticate', 'Bearer');
      if (status === 415) reply.header('accept-encoding', 'gzip, identity');
      if (status === 503) reply.header('retry-after', '1');
      const encoding = encodingOf(request);
      return reply
        .code(status)
        .type(CONTENT_TYPES[encoding])
        .send(statusBody(encoding, rpc, message));
    });

    signals.register(async (traces) => {
      leaveBodyUnread(traces, Object.values(CONTENT_TYPES));
      traces.post('/v1/traces', async (request, reply) => {
        if (request.headers['content-type'] === undefined)
          throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE();
        const encoding = encodingOf(request);
        const decoded = await exportTraces(request.raw, encoding);
        reply.type(CONTENT_TYPES[encoding]);
        return exportResponse(encoding, decoded.rejected, rejectionMessage(decoded));
      });
    });

    signals.register(async (others) => {
      leaveBodyUnread(others, '*');
      for (const signal of ['metrics', 'logs']) {
        others.post(`/v1/${signal}`, async (request, reply) => {
          counters.requests.otherSignals++;
          const encoding = encodingOf(request);
          reply.type(CONTENT_TYPES[encoding]);
          return exportResponse(encoding, 0, `Originscope takes traces only: these ${signal} were not kept`);
        });
      }
    });
  });

  server.get('/healthz', async () => ({ status: 'ok', receiver: counters, ...health?.() }));
  server.get('/readyz', async (_, reply) => {
    const isReady = await ready();
    reply.code(isReady ? 200 : 503);
    return { ready: isReady };
  });

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
      // The server waits for connections that were busy when it began to close, also long after their answer.
      const sweep = setInterval(() => server.server.closeIdleConnections(), SWEEP_MILLIS);
      const cut = setTimeout(() => server.server.closeAllConnections(), options.closeMillis ?? 10_000);
      await server.close();
      clearInterval(sweep);
      clearTimeout(cut);
    },
  };
}

/** Bodies are read by the handler, which can bound them while they arrive and inflate. */
function leaveBodyUnread(scope: FastifyInstance, contentTypes: string | string[]): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(contentTypes, (_request, _payload, done) => done(null));
}

/** The encoding that the caller speaks; who speaks neither is answered in JSON. */
const encodingOf = (request: FastifyRequest): Encoding =>
  request.headers['content-type']?.toLowerCase().startsWith(CONTENT_TYPES.protobuf) ? 'protobuf' : 'json';
