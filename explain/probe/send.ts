import { lookup } from 'node:dns';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { codeOf, OriginscopeError } from '../../core/errors.ts';
import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { isLocalhost, type WireRequest } from './page-request.ts';

export interface Answer {
  readonly status: number;
  /** As sent, repeated headers separate. */
  readonly headers: HeaderList;
}

export interface SendOptions {
  readonly timeoutMillis: number;
  readonly userAgent: string;
}

/**
 * Sends one request on a new connection, without following redirects or reading the body.
 *
 * @throws OriginscopeError `PROBE_FAILED`
 */
export async function send({ method, url, headers }: WireRequest, options: SendOptions): Promise<Answer> {
  const target = new URL(url);
  const make = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let request: ClientRequest;
  try {
    request = make(target, {
      agent: false,
      // Browsers accept responses that Node's strict parser rejects.
      insecureHTTPParser: true,
      lookup: lookupAsBrowser,
      signal: AbortSignal.timeout(options.timeoutMillis),
      headers: asRecord([...headers, ['User-Agent', options.userAgent]]),
    });
  } catch (cause) {
    throw failed(target, cause, options);
  }
  // Node would convert it to upper case, a browser does not.
  request.method = method;
  request.once('response', (response: IncomingMessage) => {
    resolve({ status: response.statusCode ?? 0, headers: pairs(response.rawHeaders) });
    response.destroy();
  });
  // Switching protocols is a response, too.
  request.once('upgrade', (response: IncomingMessage, socket) => {
    resolve({ status: response.statusCode ?? 0, headers: pairs(response.rawHeaders) });
    socket.destroy();
  });
  request.once('error', (cause) => reject(failed(target, cause, options)));
  request.end();
  return promise;
}

/**
 * Subdomains of localhost are this machine, without a DNS query
 * (https://www.rfc-editor.org/rfc/rfc6761#section-6.3).
 */
const lookupAsBrowser: LookupFunction = (hostname, options, callback) => {
  lookup(isLocalhost(hostname) ? 'localhost' : hostname, options, callback);
};

/** Combines repeated headers, as browsers do. */
function asRecord(headers: HeaderList): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of headers) {
    const known = Object.keys(record).find((key) => key.toLowerCase() === name.toLowerCase());
    record[known ?? name] = known === undefined ? value : `${record[known]}, ${value}`;
  }
  return record;
}

function pairs(raw: readonly string[]): HeaderList {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) list.push([raw[i] ?? '', raw[i + 1] ?? '']);
  return list;
}

function failed({ host, hostname }: URL, cause: unknown, { timeoutMillis }: SendOptions): OriginscopeError {
  const code = codeOf(cause) ?? '';
  const isTimeout = cause instanceof Error && (cause.name === 'AbortError' || cause.name === 'TimeoutError');
  const [problem, remedy] = isTimeout
    ? [`${host} did not answer within ${timeoutMillis / 1000} s`, 'Try again, or raise --timeout.']
    : explainCode(code, host, hostname, cause);
  return new OriginscopeError('PROBE_FAILED', { problem, cause, remedy });
}

function explainCode(
  code: string,
  host: string,
  hostname: string,
  cause: unknown,
): readonly [string, string] {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return [`${hostname} has no address`, 'Check the host name and the DNS of this machine.'];
  }
  if (code === 'ECONNREFUSED')
    return [`nothing listens at ${host}`, 'Check the port, and that the server is running.'];
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return [
      `${host} closed the connection without an answer`,
      'Check its log, or that of the proxy in front of it.',
    ];
  }
  if (code === 'EPROTO')
    return [`${host} does not speak TLS`, 'Check the port, and whether the URL should begin with http:.'];
  if (code.startsWith('ERR_TLS') || code.includes('CERT') || code.includes('SSL')) {
    return [
      `the certificate of ${host} is not trusted (${code})`,
      'A browser would reject it as well unless it trusts the certificate: give its authority in NODE_EXTRA_CA_CERTS.',
    ];
  }
  if (code.startsWith('HPE_')) {
    return [
      `${host} did not answer with valid HTTP/1.1 (${code})`,
      'Check the port, and whether it expects https.',
    ];
  }
  const message = cause instanceof Error && cause.message !== '' ? cause.message : 'unknown error';
  return [
    `the request to ${host} failed: ${code || message}`,
    'Check the URL and the network of this machine.',
  ];
}
