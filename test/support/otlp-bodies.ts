import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { type AnyValue, encodeRequest, type KeyValue, type Span, type TraceRequest } from './otlp-schema.ts';

/** A value as OTLP/JSON has it. */
export function anyValue(value: string | number | boolean | readonly string[]): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { intValue: String(value) };
  return { arrayValue: { values: value.map((element) => ({ stringValue: element })) } };
}

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export const keyValues = (attributes: Attributes): KeyValue[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

/** Attributes of a decision that was allowed; a test overrides what it is about. */
export const ALLOWED: Attributes = {
  'cors.decisions': 3,
  'cors.decisions.total': 1200,
  'cors.kind': 'actual',
  'cors.verdict': 'allowed',
  'cors.origin': 'https://shop.example.com',
  'cors.request.method': 'POST',
  'cors.credentials': 'included',
  'cors.allow_origin': 'exact',
  'cors.allow_credentials': true,
  'cors.vary_origin': true,
  'cors.site': 'cross-site',
  'cors.browser': true,
  'cors.clients': '0000000000000011',
  'http.request.method': 'POST',
  'http.response.status_code': 201,
  'http.route': '/orders/:id',
  'server.address': 'api.example.com',
};

/** A request of one service with the given spans in our scope. */
export function decisionRequest(
  spans: Span[],
  resource: Attributes = { 'service.name': 'checkout' },
): TraceRequest {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [{ scope: { name: SCOPE_NAME, version: '0.1.0' }, spans }],
      },
    ],
  };
}

/** A decision span; `time` in epoch milliseconds. */
export function decisionSpan(id: string, time: number, attributes: Attributes = ALLOWED): Span {
  const nanos = `${time}000000`;
  return {
    traceId: id.repeat(2),
    spanId: id,
    name: attributes['cors.kind'] === 'preflight' ? 'CORS preflight' : 'CORS request',
    kind: 1,
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes: keyValues(attributes),
    links: [{ traceId: `a${id.repeat(2).slice(1)}`, spanId: `b${id.slice(1)}` }],
  };
}

/** A seeded source of numbers in [0, 1) (mulberry32): the same bodies in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ROUTES = [
  '/orders/:id',
  '/orders',
  '/cart',
  '/session',
  '/search',
  '/products/:sku',
  '/prices',
  '/events',
];

/**
 * Some 50 different decisions of one service, from frequent to rare: mostly allowed requests of a few origins,
 * a third preflights, every twelfth blocked.
 */
function decisionsOf(service: number): Attributes[] {
  return Array.from({ length: 50 }, (_, index) => {
    const preflight = index % 3 === 2;
    const blocked = index % 12 === 11;
    return {
      ...ALLOWED,
      'cors.kind': preflight ? 'preflight' : 'actual',
      'cors.verdict': blocked ? 'blocked' : 'allowed',
      'cors.origin': `https://app-${index % 17}.tenant-${service}.example.com`,
      'cors.clients': (index * 0x1357).toString(16).padStart(16, '0'),
      'http.request.method': preflight ? 'OPTIONS' : 'POST',
      'http.response.status_code': preflight ? 204 : 200,
      'http.route': ROUTES[index % ROUTES.length] as string,
      'server.address': `api-${service}.example.com`,
      ...(preflight && {
        'cors.max_age': 600,
        'cors.request.headers': ['authorization', 'content-type', 'x-request-id'],
      }),
      ...(blocked && {
        'cors.reason': preflight ? 'header_not_allowed' : 'acao_mismatch',
        'cors.reason.detail': preflight ? 'x-request-id' : 'https://www.example.com',
        'url.path': '/orders/…',
      }),
    };
  });
}

/**
 * One OTLP/JSON request as an instance of a service sends it, about 17 to 20 attributes a span; the frequent
 * decisions carry the great counts. `time` in epoch milliseconds.
 */
export function realisticRequest(options: {
  random: () => number;
  time: number;
  service?: number;
  spans?: number;
}): TraceRequest {
  const { random, time, service = 0, spans = 200 } = options;
  const decisions = decisionsOf(service);
  let total = Math.floor(random() * 1e6);
  const hex = (digits: number): string =>
    Array.from({ length: digits / 4 }, () =>
      Math.floor(random() * 0x10000)
        .toString(16)
        .padStart(4, '0'),
    ).join('');
  return decisionRequest(
    Array.from({ length: spans }, () => {
      const rank = Math.floor(decisions.length * random() ** 2.5);
      const count = 1 + Math.floor((random() * 400) / (rank + 1));
      total += count;
      return decisionSpan(hex(16), time, {
        ...decisions[rank],
        'cors.decisions': count,
        'cors.decisions.total': total,
      });
    }),
    {
      'service.name': `service-${service}`,
      'service.instance.id': `00000000-0000-4000-8000-${hex(12)}`,
      'service.version': '2026.11.1',
      'deployment.environment.name': 'production',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.language': 'nodejs',
    },
  );
}

/** A protobuf body, to be changed before it is sent again. */
interface Template {
  readonly bytes: Buffer;
  /** Where its span ids and start times are. */
  readonly spanIds: readonly number[];
  readonly times: readonly number[];
  /** Where the halves of trace ids, and the ids of links, are. */
  readonly otherIds: readonly number[];
}

/** Field 7, fixed64: the tag before a start time. */
const START_TIME_TAG = 0x39;

function templateOf(request: TraceRequest): Template {
  const bytes = encodeRequest(request);
  const spanIds: number[] = [];
  const times: number[] = [];
  const otherIds: number[] = [];
  let from = 0;
  const find = (field: Buffer): number => {
    from = bytes.indexOf(field, from) + field.length;
    return from;
  };
  for (const { spans = [] } of request.resourceSpans?.[0]?.scopeSpans ?? []) {
    for (const { traceId = '', spanId = '', startTimeUnixNano = 0, links = [] } of spans) {
      const time = Buffer.alloc(9, START_TIME_TAG);
      time.writeBigUInt64LE(BigInt(startTimeUnixNano), 1);
      const traceEnd = find(Buffer.from(traceId, 'hex'));
      otherIds.push(traceEnd - 16, traceEnd - 8);
      spanIds.push(find(Buffer.from(spanId, 'hex')) - 8);
      times.push(find(time) - 8);
      for (const link of links) {
        const linkedTraceEnd = find(Buffer.from(link.traceId ?? '', 'hex'));
        otherIds.push(
          linkedTraceEnd - 16,
          linkedTraceEnd - 8,
          find(Buffer.from(link.spanId ?? '', 'hex')) - 8,
        );
      }
    }
  }
  return { bytes, spanIds, times, otherIds };
}

/** A one-to-one scrambling of 32 bits (the finalizer of MurmurHash3). */
function scrambled(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * A source of ever new protobuf bodies, much faster than encoding: 200 spans each of 20 services, with ids that
 * look random and never come again, and the time given (epoch milliseconds). Each body is a buffer of its own.
 *
 * @param options.instances of each service, which take turns
 */
export function protobufBodies(
  options: { seed?: number; services?: number; instances?: number; spans?: number } = {},
) {
  const { seed = 1, services = 20, instances = 1, spans = 200 } = options;
  const random = seeded(seed);
  const templates = Array.from({ length: services * instances }, (_, index) =>
    templateOf(realisticRequest({ random, time: 0x123456789, service: index % services, spans })),
  );
  const key = scrambled(seed);
  let made = 0;
  let ids = 0;
  /** Both halves of it depend on its number alone, the first one-to-one. */
  const writeId = (bytes: Buffer, at: number): void => {
    ids++;
    bytes.writeUInt32BE(scrambled(ids), at);
    bytes.writeUInt32BE(scrambled(ids ^ key), at + 4);
  };
  return (time: number): Buffer => {
    const template = templates[made++ % templates.length] as Template;
    const bytes = Buffer.from(template.bytes);
    const nanos = BigInt(time) * 1_000_000n;
    for (const at of template.spanIds) writeId(bytes, at);
    for (const at of template.otherIds) writeId(bytes, at);
    for (const at of template.times) bytes.writeBigUInt64LE(nanos, at);
    return bytes;
  };
}
