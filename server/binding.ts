import { isIPv4 } from 'node:net';
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

/**
 * An address that is not a loopback address needs a token, or the explicit wish to do without one.
 *
 * @throws OriginscopeError `HOST_NEEDS_TOKEN`
 */
export function assertProtected({ host, token, auth }: Binding): void {
  if (isLoopback(host) || token !== undefined || auth === 'none') return;
  throw new OriginscopeError('HOST_NEEDS_TOKEN', { host });
}

/** What keeps a server from listening, as a sentence that names the flag of its port. */
export function listenError(cause: unknown, host: string, port: number, flag = '--port'): unknown {
  const code = codeOf(cause);
  if (code === 'EADDRINUSE') return new OriginscopeError('PORT_TAKEN', { port, host, flag, cause });
  if (code === 'EACCES') return new OriginscopeError('PORT_FORBIDDEN', { port, flag, cause });
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new OriginscopeError('HOST_UNAVAILABLE', { host, cause });
  }
  return cause;
}
