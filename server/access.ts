import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorDefinition } from '../core/error-codes.ts';
import { hasCode, OriginscopeError } from '../core/errors.ts';
import { bearerCheck, type TokenCheck } from './bearer.ts';
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
  server.setErrorHandler(answerError);
  const present: (authorization: string | undefined) => TokenCheck =
    token === undefined ? () => 'valid' : bearerCheck(token);
  return {
    mayReadDetails: ({ authorization }) => present(authorization) === 'valid',
    assertToken({ authorization }) {
      const presented = present(authorization);
      if (presented === 'missing') throw new OriginscopeError('TOKEN_MISSING');
      if (presented === 'invalid') throw new OriginscopeError('TOKEN_INVALID');
    },
  };
}

/** The challenge of a 401 (https://www.rfc-editor.org/rfc/rfc6750#section-3); undefined for other errors. */
export function challengeOf(error: unknown): string | undefined {
  if (hasCode(error, 'TOKEN_MISSING')) return 'Bearer';
  return hasCode(error, 'TOKEN_INVALID') ? 'Bearer error="invalid_token"' : undefined;
}

function answerError(error: FastifyError | OriginscopeError, _: FastifyRequest, reply: FastifyReply) {
  if (!(error instanceof OriginscopeError)) throw error;
  const { http }: ErrorDefinition = ERRORS[error.code];
  if (http === undefined) throw error;
  const challenge = challengeOf(error);
  if (challenge !== undefined) reply.header('www-authenticate', challenge);
  return reply.code(http).send({ error: error.code, message: `${error.message}. ${error.remedy}` });
}

function assertLocal({ host, origin }: Headers): void {
  // A browser sends both where they matter; other clients of HTTP/1.0 may send no Host.
  if (host !== undefined && !isLoopbackName(hostnameOf(`http://${host}`))) {
    throw new OriginscopeError('HOST_FOREIGN');
  }
  if (origin !== undefined && !isLoopbackName(hostnameOf(origin))) {
    throw new OriginscopeError('ORIGIN_FOREIGN');
  }
}

/** Empty when it is not a URL. */
const hostnameOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');

/** Names that no name server can point elsewhere: https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
function isLoopbackName(hostname: string): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return isLoopback(name) || name.endsWith('.localhost');
}
