import { readFileSync } from 'node:fs';
import { log } from '../log.ts';
import { type Environment, firstOf, readPairs } from './environment.ts';
import { isHeader, isHttpUrl, type RecorderOptions } from './options.ts';

/** The receiver of the spans and how to reach it. */
export interface Target {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Timeout of one request, response included. */
  readonly timeoutMillis: number;
  /** PEM text for https, if the environment specifies files. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** The same as plain data, for another thread. */
export interface PlainTarget extends Omit<Target, 'url'> {
  readonly url: string;
  /** The last known address of the receiver: another DNS lookup could take longer than the time left. */
  readonly address: string | undefined;
}

const DEFAULT_BASE = 'http://127.0.0.1:4318';
const TRACES_PATH = '/v1/traces';

/**
 * Determines the receiver: the option, ORIGINSCOPE_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (used as it
 * is), OTEL_EXPORTER_OTLP_ENDPOINT, else `http://127.0.0.1:4318`; all but the third are base URLs to which
 * `/v1/traces` is added. Invalid variables are logged and ignored, because they must not stop a service.
 */
export function targetOf(
  options: Pick<RecorderOptions, 'endpoint' | 'headers' | 'timeoutMillis'>,
  env: Environment,
): Target {
  const own = options.endpoint ?? urlOf(env, 'ORIGINSCOPE_ENDPOINT');
  const standard =
    urlOf(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? urlOf(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const isTracesUrl = urlOf(env, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') !== undefined;
  const url =
    own === undefined && isTracesUrl && standard !== undefined
      ? new URL(standard)
      : tracesUrl(own ?? standard ?? DEFAULT_BASE);
  if (own === undefined) warnAboutGrpc(url, env);
  return {
    url,
    headers: { ...headersOf(env, own, standard), ...lowerCase(options.headers) },
    timeoutMillis: options.timeoutMillis ?? timeoutOf(env),
    tls: url.protocol === 'https:' ? tlsOf(env) : {},
  };
}

function tracesUrl(base: string): URL {
  const url = new URL(base);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(TRACES_PATH) ? path : path + TRACES_PATH;
  return url;
}

function urlOf(env: Environment, name: string): string | undefined {
  const text = firstOf(env, name);
  if (text === undefined || isHttpUrl(text)) return text;
  log(
    'warn',
    `${name} is not a valid http:// or https:// URL and is ignored: set it to one, such as ${DEFAULT_BASE}.`,
  );
  return undefined;
}

/**
 * The standard headers often hold credentials for the standard endpoint. They are sent to another endpoint
 * only when it is the same one, or when no standard endpoint is configured.
 */
function headersOf(
  env: Environment,
  own: string | undefined,
  standard: string | undefined,
): Record<string, string> {
  const isForOther =
    own !== undefined && standard !== undefined && new URL(own).origin !== new URL(standard).origin;
  const names = isForOther
    ? ['ORIGINSCOPE_HEADERS']
    : ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'ORIGINSCOPE_HEADERS'];
  const headers: Record<string, string> = {};
  for (const variable of names) {
    for (const [name, value] of readPairs(env, variable)) {
      if (isHeader(name, value)) headers[name.toLowerCase()] = value;
      else
        log(
          'warn',
          `${variable} has a member that is not a valid HTTP header and is ignored: correct or remove it.`,
        );
    }
  }
  return headers;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function timeoutOf(env: Environment): number {
  const text = firstOf(env, 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT');
  const millis = Number(text);
  return Number.isFinite(millis) && millis > 0 ? Math.min(millis, 600_000) : 10_000;
}

function tlsOf(env: Environment): Target['tls'] {
  const read = (name: string): string | undefined => {
    const path = firstOf(env, `OTEL_EXPORTER_OTLP_TRACES_${name}`, `OTEL_EXPORTER_OTLP_${name}`);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch {
      log(
        'warn',
        `the file that OTEL_EXPORTER_OTLP_${name} names cannot be read and is ignored: check its path.`,
      );
      return undefined;
    }
  };
  const ca = read('CERTIFICATE');
  const cert = read('CLIENT_CERTIFICATE');
  const key = read('CLIENT_KEY');
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function warnAboutGrpc(url: URL, env: Environment): void {
  const protocol = firstOf(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol !== 'grpc' && url.port !== '4317') return;
  log(
    'warn',
    'decision spans are sent by OTLP over HTTP, but the standard variables point to a gRPC receiver: ' +
      `set ORIGINSCOPE_ENDPOINT to its HTTP port, such as http://${url.hostname}:4318.`,
  );
}
