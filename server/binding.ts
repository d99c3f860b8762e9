import { once } from 'node:events';
import { createServer, isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import { codeOf, OriginscopeError } from '../core/errors.ts';

export interface Binding {
  readonly host: string;
  /** The bearer token that senders, and readers of metrics, must present. */
  readonly token?: string | undefined;
  /** `none` accepts unauthenticated data from anyone who can reach the address. */
  readonly auth?: 'token' | 'none' | undefined;
}

/** Whether an address to listen on, or `localhost`, is reachable from this machine alone. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** The URL of a server for others: one that listens on all addresses is reached by the name of the machine. */
export function shownUrl(url: string, host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return url;
  const { protocol, port } = new URL(url);
  return `${protocol}//${hostname()}:${port}`;
}

/**
 * An address other than a loopback address is reachable from other machines, so it requires a token, or the
 * explicit choice of `--auth none`.
 *
 * @throws OriginscopeError `HOST_NEEDS_TOKEN`
 */
export function assertProtected({ host, token, auth }: Binding): void {
  if (isLoopback(host) || token !== undefined || auth === 'none') return;
  throw new OriginscopeError('HOST_NEEDS_TOKEN', { host });
}

/** @returns why a server cannot listen, with the flag of its port in the remedy */
export function listenError(cause: unknown, host: string, port: number, flag = '--port'): unknown {
  const code = codeOf(cause);
  if (code === 'EADDRINUSE') return new OriginscopeError('PORT_TAKEN', { port, host, flag, cause });
  if (code === 'EACCES') return new OriginscopeError('PORT_FORBIDDEN', { port, flag, cause });
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new OriginscopeError('HOST_UNAVAILABLE', { host, cause });
  }
  return cause;
}

/**
 * Listens for a moment, so that a command can fail before it creates anything.
 *
 * @throws OriginscopeError `PORT_TAKEN`, `PORT_FORBIDDEN`, `HOST_UNAVAILABLE`
 */
export async function assertCanListen(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen({ host, port }), 'listening');
  } catch (error) {
    throw listenError(error, host, port);
  }
  await new Promise((resolve) => server.close(resolve));
}
