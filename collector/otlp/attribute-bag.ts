import { ATTRIBUTES, type AttributeName, type AttributeType } from '../../instrumentation/src/attributes.ts';
import { HTTP_KEYS, type HttpAttributes } from '../derivation/http-attributes.ts';

/**
 * An attribute's value as read: clean text (a list as `headerNames` writes it), undefined when absent, null when
 * its type is not the one in the contract.
 */
export type AttributeValue = string | number | boolean | null | undefined;

/**
 * The attributes that somebody will look at, each at the place of its key. An array rather than a map: a body
 * has thousands of attributes, and a place costs a load where a name costs a hash.
 */
export type AttributeBag = AttributeValue[];

/** A key that is read, and the type its value must have; `text` takes what services write in several types. */
export interface KnownKey {
  readonly key: string;
  readonly type: AttributeType | 'text';
}

export const SPAN_KEYS: readonly KnownKey[] = Object.entries(ATTRIBUTES).map(([key, { type }]) => ({
  key,
  type,
}));

const placeOf = (keys: readonly KnownKey[], key: string): number =>
  keys.findIndex((known) => known.key === key);

const spanPlace = (key: AttributeName): number => placeOf(SPAN_KEYS, key);

/** Places of a span's attributes in its bag. */
export const SPAN = {
  decisions: spanPlace('cors.decisions'),
  total: spanPlace('cors.decisions.total'),
  kind: spanPlace('cors.kind'),
  verdict: spanPlace('cors.verdict'),
  reason: spanPlace('cors.reason'),
  detail: spanPlace('cors.reason.detail'),
  origin: spanPlace('cors.origin'),
  method: spanPlace('cors.request.method'),
  requestHeaders: spanPlace('cors.request.headers'),
  credentials: spanPlace('cors.credentials'),
  allowOrigin: spanPlace('cors.allow_origin'),
  allowCredentials: spanPlace('cors.allow_credentials'),
  maxAge: spanPlace('cors.max_age'),
  varyOrigin: spanPlace('cors.vary_origin'),
  site: spanPlace('cors.site'),
  browser: spanPlace('cors.browser'),
  clients: spanPlace('cors.clients'),
  statusCode: spanPlace('http.response.status_code'),
  route: spanPlace('http.route'),
  serverAddress: spanPlace('server.address'),
  path: spanPlace('url.path'),
} as const;

/** What decisions are derived from. */
export const HTTP_SPAN_KEYS: readonly KnownKey[] = HTTP_KEYS.map((key) => ({ key, type: 'text' }));

const httpPlaces: ReadonlyMap<string, number> = new Map(HTTP_KEYS.map((key, place) => [key, place]));

/** A bag with the places of HTTP_SPAN_KEYS, to be asked by key. */
export const httpAttributes = (bag: AttributeBag): HttpAttributes => ({
  get: (key) => {
    const place = httpPlaces.get(key);
    const value = place === undefined ? undefined : bag[place];
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
  // Environment variables know only text.
  { key: 'originscope.headers_captured', type: 'text' },
];

/** Places of a resource's attributes in its bag; `environmentBefore` is the name of semantic conventions < 1.27. */
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

/** Text of an attribute, empty when absent or of another type. */
export function textOf(bag: AttributeBag, place: number): string {
  const value = bag[place];
  return typeof value === 'string' ? value : '';
}
