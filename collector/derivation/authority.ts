import { isOwnOrigin, type OwnOrigin } from '../../instrumentation/src/fetch-standard/origin.ts';
import { HOST, type HttpAttributes, PORT, SCHEME, SERVER, textOf, URL_BEFORE } from './http-attributes.ts';

/** The server's authority as the client used it, as far as the attributes tell. */
export interface Authority {
  /** As in `Host`; empty when unknown. */
  readonly host: string;
  /** Undefined when it would be a guess. */
  readonly ownOrigin: OwnOrigin | undefined;
}

/**
 * `http` does not prove the client's scheme, because a proxy may terminate TLS. And `server.port` may be
 * the port on which the process listens instead of the one that the client used: an origin that differs
 * from the server in its port alone is neither certainly the own one nor certainly a foreign one.
 */
export function authorityOf(attributes: HttpAttributes, origin: string): Authority {
  const url = absoluteUrl(textOf(attributes, [URL_BEFORE]));
  const isHttps = textOf(attributes, SCHEME).toLowerCase() === 'https' || url?.protocol === 'https:';
  const scheme: OwnOrigin['scheme'] = isHttps ? 'https' : undefined;
  const named = textOf(attributes, HOST) || (url?.host ?? '');
  if (named !== '') return { host: named, ownOrigin: { scheme, host: named } };

  const address = textOf(attributes, SERVER);
  if (address === '') return { host: '', ownOrigin: undefined };
  const host = withPort(address, textOf(attributes, PORT));
  const own = { scheme, host };
  const isDoubtful = !isOwnOrigin(origin, own) && nameOf(origin) === nameOf(`http://${host}`);
  return { host, ownOrigin: isDoubtful ? undefined : own };
}

function absoluteUrl(text: string): URL | undefined {
  return /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
}

/** Some instrumentations include the port in the address. */
function withPort(address: string, port: string): string {
  if (!/^\d{1,5}$/.test(port) || address.endsWith(`:${port}`)) return address;
  return `${address}:${port}`;
}

function nameOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : '';
}
