import type { HeaderReader } from '../fetch-standard/header-list.ts';

/** The request as the client sent it, according to a proxy. */
export interface Forwarded {
  readonly scheme: 'http' | 'https' | undefined;
  readonly host: string | undefined;
  /** The client's address, without port and brackets. */
  readonly client: string | undefined;
}

/** `false`: no proxy is trusted; `true`: all are; n: the last n are. */
export type TrustProxy = boolean | number;

const NAMES = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'];

/** Whether the request has forwarding headers, from a proxy or from a client that imitates one. */
export function isForwarded(headers: HeaderReader): boolean {
  return NAMES.some((name) => headers.get(name) !== null);
}

/**
 * Reads `X-Forwarded-*`, else `Forwarded` (RFC 7239). Each proxy appends to the lists; with n trusted
 * proxies, the n-th value from the end is the first trustworthy one.
 */
export function readForwarded(headers: HeaderReader, trust: true | number): Forwarded {
  const forwarded = parameters(pick(headers.get('forwarded'), trust));
  return {
    scheme: schemeOf(pick(headers.get('x-forwarded-proto'), trust) ?? forwarded.get('proto')),
    host: pick(headers.get('x-forwarded-host'), trust) ?? forwarded.get('host'),
    client: addressOf(pick(headers.get('x-forwarded-for'), trust) ?? forwarded.get('for')),
  };
}

/** The hosts that proxies, or a client that imitates one, say the request was sent to. */
export function forwardedHosts(headers: HeaderReader): string[] {
  const elements = headers.get('forwarded')?.split(',') ?? [];
  return [
    ...(headers.get('x-forwarded-host')?.split(',') ?? []),
    ...elements.map((element) => parameters(element).get('host') ?? ''),
  ]
    .map((host) => host.trim())
    .filter((host) => host !== '');
}

function pick(list: string | null, trust: true | number): string | undefined {
  if (list === null) return undefined;
  const values = list.split(',');
  const index = trust === true ? 0 : Math.max(0, values.length - trust);
  return values[index]?.trim() || undefined;
}

/**
 * Parses the `name=value` pairs of one `forwarded-element`:
 * https://www.rfc-editor.org/rfc/rfc7239#section-4
 */
function parameters(element: string | undefined): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of element?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const value = pair.slice(equals + 1).trim();
    const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
    pairs.set(pair.slice(0, equals).trim().toLowerCase(), isQuoted ? value.slice(1, -1) : value);
  }
  return pairs;
}

function schemeOf(value: string | undefined): 'http' | 'https' | undefined {
  const scheme = value?.toLowerCase();
  return scheme === 'http' || scheme === 'https' ? scheme : undefined;
}

/**
 * Parses a node (https://www.rfc-editor.org/rfc/rfc7239#section-6): an address with or without a port, IPv6
 * in brackets; `unknown` and `_names` are not addresses.
 */
function addressOf(node: string | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.startsWith('[')) return node.slice(1, node.indexOf(']'));
  const colon = node.indexOf(':');
  const address = colon !== -1 && colon === node.lastIndexOf(':') ? node.slice(0, colon) : node;
  return /^[\d.]+$/.test(address) || address.includes(':') ? address : undefined;
}
