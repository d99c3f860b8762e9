import { ATTRIBUTES, type AttributeName, type AttributeType } from '../../instrumentation/src/attributes.ts';
import { HTTP_KEYS, type HttpAttributes } from '../derivation/http-attributes.ts';

/**
 * The value of an attribute: sanitised text (a list as `headerNames` writes it), undefined when absent,
 * null when it has the wrong type.
 */
export type AttributeValue = string | number | boolean | null | undefined;

/**
 * The attributes that are used, each at the index of its key. An array rather than a map: a body has
 * thousands of attributes, and an index is cheaper than a hash.
 */
export type AttributeBag = AttributeValue[];

/** A key that is read, and the type of its value; `text` accepts several types that services use. */
export interface KnownKey {
  readonly key: string;
  readonly type: AttributeType | 'text';
}

export const SPAN_KEYS: readonly KnownKey[] = Object.entries(ATTRIBUTES).map(([key, { type }]) => ({
  key,
  type,
}));

const indexOfKey = (keys: readonly KnownKey[], key: string): number =>
  keys.findIndex((known) => known.key === key);

const spanIndex = (key: AttributeName): number => indexOfKey(SPAN_KEYS, key);

/** Indexes of a span's attributes in its bag. */
export const SPAN = {
  decisions: spanIndex('cors.decisions'),
  total: spanIndex('cors.decisions.total'),
  kind: spanIndex('cors.kind'),
  verdict: spanIndex('cors.verdict'),
  reason: spanIndex('cors.reason'),
  detail: spanIndex('cors.reason.detail'),
  origin: spanIndex('cors.origin'),
  method: spanIndex('cors.request.method'),
  requestHeaders: spanIndex('cors.request.headers'),
  credentials: spanIndex('cors.credentials'),
  allowOrigin: spanIndex('cors.allow_origin'),
  allowCredentials: spanIndex('cors.allow_credentials'),
  maxAge: spanIndex('cors.max_age'),
  varyOrigin: spanIndex('cors.vary_origin'),
  site: spanIndex('cors.site'),
  browser: spanIndex('cors.browser'),
  clients: spanIndex('cors.clients'),
  statusCode: spanIndex('http.response.status_code'),
  route: spanIndex('http.route'),
  serverAddress: spanIndex('server.address'),
  path: spanIndex('url.path'),
} as const;

/** The keys from which decisions are derived. */
export const HTTP_SPAN_KEYS: readonly KnownKey[] = HTTP_KEYS.map((key) => ({ key, type: 'text' }));

const httpIndexes: ReadonlyMap<string, number> = new Map(HTTP_KEYS.map((key, index) => [key, index]));

/** Wraps a bag indexed by HTTP_SPAN_KEYS for access by key. */
export const httpAttributes = (bag: AttributeBag): HttpAttributes => ({
  get: (key) => {
    const index = httpIndexes.get(key);
    const value = index === undefined ? undefined : bag[index];
    return typeof value === 'string' ? value : undefined;
  },
});

export const RESOURCE_KEYS: readonly KnownKey[] = [
  { key: 'service.name', type: 'string' },
  { key: 'service.instance.id', type: 'string' },
  { key: 'service.version', type: 'string' },
  { key: 'deployment.environment.name', type: 'string' },
  { key: 'deployment.environment', type: 'string' },
  { key: 'telemetry.sdk.name', type: 'string' },
  { key: 'originscope.observer', type: 'string' },
  // Environment variables are always strings.
  { key: 'originscope.headers_captured', type: 'text' },
];

/**
 * Indexes of a resource's attributes in its bag; `environmentBefore` is the name in semantic conventions
 * before 1.27.
 */
export const RESOURCE = {
  service: 0,
  instance: 1,
  version: 2,
  environment: 3,
  environmentBefore: 4,
  sdk: 5,
  observer: 6,
  headersCaptured: 7,
} as const;

/** Returns the text of an attribute; empty when absent or of another type. */
export function textOf(bag: AttributeBag, index: number): string {
  const value = bag[index];
  return typeof value === 'string' ? value : '';
}
