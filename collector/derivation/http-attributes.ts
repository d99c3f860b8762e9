import { OBSERVED } from '../../instrumentation/src/attributes.ts';
import { REQUEST_HEADERS, RESPONSE_HEADERS } from '../../instrumentation/src/fetch-standard/header-list.ts';

/**
 * The recorded attributes of an HTTP exchange, by the keys of OpenTelemetry's semantic conventions, as
 * text: numbers in decimal, lists joined by `, `. Empty text counts as absent.
 */
export interface HttpAttributes {
  get(key: string): string | undefined;
}

/** A header and its attribute keys: with hyphens as specified, with underscores as in Python. */
export interface HeaderKeys {
  readonly name: string;
  readonly keys: readonly string[];
}

const keysOf = (side: 'request' | 'response', name: string): HeaderKeys => ({
  name,
  keys: [...new Set([name, name.replaceAll('-', '_')])].map((spelling) => `http.${side}.header.${spelling}`),
});

/** The headers that the rules read. */
export const REQUEST_HEADER_KEYS = Object.keys(REQUEST_HEADERS.none()).map((name) => keysOf('request', name));
export const RESPONSE_HEADER_KEYS = Object.keys(RESPONSE_HEADERS.none()).map((name) =>
  keysOf('response', name),
);

/** Other attributes: current names first, then those of the conventions before 1.21. */
export const METHOD = ['http.request.method', 'http.method'] as const;
export const ORIGINAL_METHOD = 'http.request.method_original';
export const STATUS = ['http.response.status_code', 'http.status_code'] as const;
export const ROUTE = 'http.route';
export const PATH = ['url.path', 'http.target', 'http.url'] as const;
export const URL_BEFORE = 'http.url';
export const SCHEME = ['url.scheme', 'http.scheme'] as const;
/** The authority as used by the client. */
export const HOST = ['http.request.header.host', 'http.host'] as const;
/** The server's name and port according to the instrumentation. */
export const SERVER = ['server.address', 'net.host.name'] as const;
export const PORT = ['server.port', 'net.host.port'] as const;

/** All keys that are read. */
export const HTTP_KEYS: readonly string[] = [
  ...new Set([
    OBSERVED,
    ...[...REQUEST_HEADER_KEYS, ...RESPONSE_HEADER_KEYS].flatMap(({ keys }) => keys),
    ...[METHOD, STATUS, PATH, SCHEME, HOST, SERVER, PORT].flat(),
    ORIGINAL_METHOD,
    ROUTE,
  ]),
];

/** The text of the first key that has any; empty when none has. */
export function textOf(attributes: HttpAttributes, keys: readonly string[]): string {
  for (const key of keys) {
    const text = attributes.get(key);
    if (text !== undefined && text !== '') return text;
  }
  return '';
}
