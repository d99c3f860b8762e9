import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OriginscopeError } from '../core/errors.ts';
import { bearerCheck, type Presented } from './bearer.ts';
import { type Binding, isLoopback } from './binding.ts';

type Headers = FastifyRequest['headers'];

/** Who may ask a server that is bound so. */
export interface Access {
  /** Whether the details of /healthz and /readyz are for this request: where there is a token, it presents it. */
  mayReadDetails(headers: Headers): boolean;
  /** @throws OriginscopeError `TOKEN_MISSING`, `TOKEN_INVALID` */
  assertToken(headers: Headers): void;
}

/**
 * Refuses what a page in a browser on this machine sends when nothing but the loopback address protects a server:
 * its name may be made to resolve to that address, and then the browser takes the server for the page's own.
 * Every route of the server is guarded; those that need the token ask for it themselves.
 */
export function guard(server: FastifyInstance, binding: Pick<Binding, 'host' | 'token'>): Access {
  const { host, token } = binding;
  if (token === undefined && isLoopback(host)) {
    server.addHook('onRequest', async ({ headers }) => assertLocal(headers));
  }
  server.setErrorHandler(answerRefusal);
  const present: (authorization: string | undefined) => Presented =
    token === undefined ? () => 'right' : bearerCheck(token);
  return {
    mayReadDetails: ({ authorization }) => present(authorization) === 'right',
    assertToken({ authorization }) {
      const presented = present(authorization);
      if (presented === 'nothing') throw tokenMissing();
      if (presented === 'wrong') throw tokenInvalid();
    },
  };
}

/** What a 401 says of the token (RFC 6750 §3); undefined for errors that are not about it. */
export function challengeOf(error: unknown): string | undefined {
  const code = error instanceof OriginscopeError ? error.code : '';
  if (code === 'TOKEN_MISSING') return 'Bearer';
  return code === 'TOKEN_INVALID' ? 'Bearer error="invalid_token"' : undefined;
}

const STATUS: Readonly<Record<string, number>> = {
  TOKEN_MISSING: 401,
  TOKEN_INVALID: 401,
  HOST_FOREIGN: 403,
  ORIGIN_FOREIGN: 403,
};

function answerRefusal(error: FastifyError | OriginscopeError, _: FastifyRequest, reply: FastifyReply) {
  const status = STATUS[error.code];
  if (!(error instanceof OriginscopeError) || status === undefined) throw error;
  const challenge = challengeOf(error);
  if (challenge !== undefined) reply.header('www-authenticate', challenge);
  return reply.code(status).send({ error: error.code, message: `${error.message}. ${error.remedy}` });
}

function assertLocal({ host, origin }: Headers): void {
  // A browser sends both where they matter; other clients of HTTP/1.0 may send no Host.
  if (host !== undefined && !isLoopbackName(hostnameOf(`http://${host}`))) throw hostForeign();
  if (origin !== undefined && !isLoopbackName(hostnameOf(origin))) throw originForeign();
}

/** Empty when it is not a URL. */
const hostnameOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');

/** What a name server cannot point elsewhere (RFC 6761 §6.3). */
function isLoopbackName(hostname: string): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return isLoopback(name) || name.endsWith('.localhost');
}

const WHY =
  'Without a token only this machine may ask, and a web page that makes a name of its own resolve to this address is not this machine';

const hostForeign = (): OriginscopeError =>
  new OriginscopeError('HOST_FOREIGN', `The Host is not localhost or a loopback address. ${WHY}`, {
    remedy: 'Ask http://localhost or http://127.0.0.1, or give the collector a token (ORIGINSCOPE_TOKEN).',
  });

const originForeign = (): OriginscopeError =>
  new OriginscopeError('ORIGIN_FOREIGN', `The request comes from a page of another Origin. ${WHY}`, {
    remedy: 'Do not send from a page, or give the collector a token (ORIGINSCOPE_TOKEN).',
  });

const REMEDY =
  'Send "Authorization: Bearer TOKEN" (OTEL_EXPORTER_OTLP_HEADERS) with the token of the collector.';

const tokenMissing = (): OriginscopeError =>
  new OriginscopeError('TOKEN_MISSING', 'The request has no bearer token', { remedy: REMEDY });

const tokenInvalid = (): OriginscopeError =>
  new OriginscopeError('TOKEN_INVALID', 'The bearer token is wrong', { remedy: REMEDY });
