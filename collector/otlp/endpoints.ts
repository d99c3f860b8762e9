import type { IncomingMessage } from 'node:http';
import { errorCodes, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Access, challengeOf } from '../../server/access.ts';
import type { ReceiverCounters } from './counters.ts';
import type { Encoding } from './decode.ts';
import type { Decoded } from './decoding-result.ts';
import { failureLog } from './failure-log.ts';
import { failureOf } from './failures.ts';
import { CONTENT_TYPES, exportResponse, rejectionMessage, statusBody } from './replies.ts';

export interface SignalsOptions {
  readonly exportTraces: (request: IncomingMessage, encoding: Encoding) => Promise<Decoded>;
  readonly access: Access;
  readonly counters: ReceiverCounters;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * The OTLP endpoints: /v1/traces, and /v1/metrics and /v1/logs for exporters that send all signals to one
 * receiver.
 */
export async function signals(server: FastifyInstance, options: SignalsOptions): Promise<void> {
  const { exportTraces, access, counters } = options;
  const logFailure = failureLog(options.now);
  server.addHook('onRequest', async ({ headers }) => access.assertToken(headers));

  server.setErrorHandler((error, request, reply) => {
    const { http, grpc, counter, message } = failureOf(error);
    counters.requests[counter]++;
    if (counter === 'failed' || counter === 'refused') logFailure(request.log, error, message);
    const challenge = challengeOf(error);
    if (challenge !== undefined) reply.header('www-authenticate', challenge);
    if (http === 415) reply.header('accept-encoding', 'gzip, identity');
    if (http === 503) reply.header('retry-after', '1');
    return send(reply.code(http), request, (encoding) => statusBody(encoding, grpc, message));
  });

  server.register(async (traces) => {
    skipBodyParsing(traces, Object.values(CONTENT_TYPES));
    allowOnlyPost(traces, '/v1/traces');
    traces.post('/v1/traces', async (request, reply) => {
      if (request.headers['content-type'] === undefined)
        throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE();
      const decoded = await exportTraces(request.raw, encodingOf(request));
      const message = rejectionMessage(decoded);
      return send(reply, request, (encoding) => exportResponse(encoding, decoded.rejected, message));
    });
  });

  server.register(async (others) => {
    skipBodyParsing(others, '*');
    for (const signal of ['metrics', 'logs']) {
      allowOnlyPost(others, `/v1/${signal}`);
      others.post(`/v1/${signal}`, async (request, reply) => {
        counters.requests.otherSignals++;
        const message = `Originscope accepts traces only: these ${signal} were not stored`;
        return send(reply, request, (encoding) => exportResponse(encoding, 0, message));
      });
    }
  });
}

/** Whoever opens the address of a signal in a browser learns how it is meant. */
function allowOnlyPost(scope: FastifyInstance, path: string): void {
  scope.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: path,
    handler: (request, reply) =>
      send(reply.code(405).header('allow', 'POST'), request, (encoding) =>
        statusBody(encoding, 'UNIMPLEMENTED', `Send OTLP to ${path} with POST`),
      ),
  });
}

/** The handler reads bodies, so that it can limit them while they arrive and inflate. */
function skipBodyParsing(scope: FastifyInstance, contentTypes: string | string[]): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(contentTypes, (_request, _payload, done) => done(null));
}

/** Responds in the encoding of the request, or in JSON if it has neither. */
function send(
  reply: FastifyReply,
  request: FastifyRequest,
  body: (encoding: Encoding) => Buffer,
): FastifyReply {
  const encoding = encodingOf(request);
  return reply.type(CONTENT_TYPES[encoding]).send(body(encoding));
}

const encodingOf = (request: FastifyRequest): Encoding =>
  request.headers['content-type']?.toLowerCase().startsWith(CONTENT_TYPES.protobuf) ? 'protobuf' : 'json';
