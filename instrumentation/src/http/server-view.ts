import type { OwnOrigin } from '../fetch-standard/origin.ts';
import { isForwarded, readForwarded, type TrustProxy } from './forwarded.ts';
import type { ServedExchange } from './served-exchange.ts';

/** The server's origin as the client sees it, and the client's address, as far as they can be trusted. */
export interface ServerView {
  readonly ownOrigin: OwnOrigin | undefined;
  /** The client's address; undefined behind a proxy that is not trusted. */
  readonly client: string | undefined;
  /** Forwarding headers were present but not trusted. */
  readonly isUntrusted: boolean;
}

export function serverView(served: ServedExchange, trustProxy: TrustProxy): ServerView {
  const { authority, remoteAddress, requestHeaders } = served;
  // Without TLS here, a proxy may have terminated it without saying so: only the host is certain.
  const scheme = served.isEncrypted ? 'https' : undefined;
  if (!isForwarded(requestHeaders)) {
    return { ownOrigin: ownOrigin(scheme, authority), client: remoteAddress, isUntrusted: false };
  }
  if (trustProxy === false || trustProxy === 0) {
    return { ownOrigin: ownOrigin(scheme, authority), client: undefined, isUntrusted: true };
  }
  const forwarded = readForwarded(requestHeaders, trustProxy);
  return {
    ownOrigin: ownOrigin(forwarded.scheme ?? scheme, forwarded.host ?? authority),
    client: forwarded.client ?? remoteAddress,
    isUntrusted: false,
  };
}

function ownOrigin(scheme: OwnOrigin['scheme'], host: string | undefined): OwnOrigin | undefined {
  return host === undefined ? undefined : { scheme, host };
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
  const name = host.replace(/:\d{0,5}$/, '');
  if (name.length > MAX_HOST_NAME || !/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/i.test(name)) return undefined;
  return name.toLowerCase();
}
