import { isOwnOrigin, type OwnOrigin } from '../fetch-standard/origin.ts';
import { forwardedHosts, isForwarded, readForwarded, type TrustProxy } from './forwarded.ts';
import type { ServedExchange } from './served-exchange.ts';

/** The server's origin as the client sees it, and the client's address, as far as they can be trusted. */
export interface ServerView {
  /** Undefined where it cannot be told, as behind an untrusted proxy that names another host. */
  readonly ownOrigin: OwnOrigin | undefined;
  /** The host with its port, as in `Host`. */
  readonly host: string | undefined;
  /** The client's address; undefined behind a proxy that is not trusted. */
  readonly client: string | undefined;
  /** Forwarding headers that are not trusted: none; some; those that name another host than `Host` does. */
  readonly untrusted: 'nothing' | 'headers' | 'host';
}

export function serverView(served: ServedExchange, trustProxy: TrustProxy): ServerView {
  const { authority, remoteAddress, requestHeaders } = served;
  // Without TLS here, a proxy may have terminated it without saying so: only the host is certain.
  const scheme = served.isEncrypted ? 'https' : undefined;
  const own = originOf(scheme, authority);
  if (!isForwarded(requestHeaders)) {
    return { ownOrigin: own, host: authority, client: remoteAddress, untrusted: 'nothing' };
  }
  if (trustProxy === false || trustProxy === 0) {
    const isOther = forwardedHosts(requestHeaders).some((host) => !isSameHost(host, authority));
    const origin = requestHeaders.get('origin');
    const isOwn = !isOther || (origin !== null && own !== undefined && isOwnOrigin(origin, own));
    return {
      ownOrigin: isOwn ? own : undefined,
      host: authority,
      client: undefined,
      untrusted: isOther ? 'host' : 'headers',
    };
  }
  const forwarded = readForwarded(requestHeaders, trustProxy);
  const host = forwarded.host ?? authority;
  return {
    ownOrigin: originOf(forwarded.scheme ?? scheme, host),
    host,
    client: forwarded.client ?? remoteAddress,
    untrusted: 'nothing',
  };
}

function originOf(scheme: OwnOrigin['scheme'], host: string | undefined): OwnOrigin | undefined {
  return host === undefined ? undefined : { scheme, host };
}

/** Proxies leave out the port, or add the default one. */
function isSameHost(one: string, other: string | undefined): boolean {
  return other !== undefined && hostWithoutPort(one) === hostWithoutPort(other);
}

function hostWithoutPort(host: string): string {
  return host.replace(/:\d{0,5}$/, '').toLowerCase();
}

const MAX_HOST_NAME = 253;

let lastHost = '';
let lastName: string | undefined;

/** The lower-case host without its port; undefined when it is not a valid host name (clients choose it). */
export function hostName(host: string): string | undefined {
  // Nearly all requests have the same host.
  if (host !== lastHost) {
    lastHost = host;
    lastName = readHostName(host);
  }
  return lastName;
}

function readHostName(host: string): string | undefined {
  const name = hostWithoutPort(host);
  if (name.length > MAX_HOST_NAME || !/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(name)) return undefined;
  return name;
}
