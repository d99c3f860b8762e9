import { OBSERVED } from '../../instrumentation/src/attributes.ts';
import { REQUEST_HEADERS, RESPONSE_HEADERS } from '../../instrumentation/src/fetch-standard/header-list.ts';

/**
 * What somebody wrote down about an HTTP exchange, by the keys of OpenTelemetry's semantic conventions, as text:
 * numbers in decimal, lists joined by `, `. Empty text is as good as none.
 */
export interface HttpAttributes {
  get(key: string): string | undefined;
}

/** A header and the keys under which it is found: hyphens as it should be, underscores as Python writes it. */
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

/** What else is read: the present names first, then those of the conventions before 1.21. */
export const METHOD = ['http.request.method', 'http.method'] as const;
export const ORIGINAL_METHOD = 'http.request.method_original';
export const STATUS = ['http.response.status_code', 'http.status_code'] as const;
export const ROUTE = 'http.route';
export const PATH = ['url.path', 'http.target', 'http.url'] as const;
export const URL_BEFORE = 'http.url';
export const SCHEME = ['url.scheme', 'http.scheme'] as const;
/** The authority as the client named it. */
export const HOST = ['http.request.header.host', 'http.host'] as const;
/** A name that an instrumentation believes to be the server's, and its port. */
export const SERVER = ['server.address', 'net.host.name'] as const;
export const PORT = ['server.port', 'net.host.port'] as const;

/** Every key that is read. */
export const HTTP_KEYS: readonly string[] = [
  ...new Set([
    OBSERVED,
    ...[...REQUEST_HEADER_KEYS, ...RESPONSE_HEADER_KEYS].flatMap(({ keys }) => keys),
    ...[METHOD, STATUS, PATH, SCHEME, HOST, SERVER, PORT].flat(),
    ORIGINAL_METHOD,
    ROUTE,
  ]),
];

/** The first of the keys that has text; empty when none has. */
export function textOf(attributes: HttpAttributes, keys: readonly string[]): string {
  for (const key of keys) {
    const text = attributes.get(key);
    if (text !== undefined && text !== '') return text;
  }
  return '';
}
