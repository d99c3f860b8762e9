import fc from 'fast-check';
import { ATTRIBUTES, SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import {
  ALLOW_ORIGINS,
  CREDENTIALS,
  KINDS,
  REASONS,
  SITES,
  VERDICTS,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import {
  delimitedField,
  fixed32Field,
  fixed64Field,
  groupField,
  varintField,
  type WireField,
} from './wire.ts';

/*
 * Random trace export requests as bytes that are valid protobuf of the official schema, written in every way
 * that the wire format allows: fields in any order, singular fields more than once, messages in pieces, unknown
 * fields and groups in between. Half of the values are such as decision spans have, the rest is anything.
 */

/** Fields in a random order, each perhaps dropped or doubled, with unknown ones in between. */
function message(...fields: fc.Arbitrary<readonly WireField[]>[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(...fields, unknownFields)
    .map((lists) => lists.flat())
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }))
    .map((all) => Buffer.concat(all));
}

const some = (field: fc.Arbitrary<WireField>, maxLength: number): fc.Arbitrary<WireField[]> =>
  fc.array(field, { maxLength });

/** Mostly once, sometimes not at all or in two pieces. */
const once = (field: fc.Arbitrary<WireField>): fc.Arbitrary<WireField[]> =>
  fc.oneof(
    { weight: 8, arbitrary: field.map((bytes) => [bytes]) },
    { weight: 1, arbitrary: fc.constant<WireField[]>([]) },
    { weight: 1, arbitrary: fc.array(field, { minLength: 2, maxLength: 2 }) },
  );

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const smallInt = fc.oneof(fc.bigInt({ min: 0n, max: 1000n }), int64);
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 300 }));
const bytes = fc.uint8Array({ maxLength: 20 });

/** Field numbers that the schema of these messages does not have. */
const unknownNumber = fc.oneof(fc.integer({ min: 20, max: 40 }), fc.constantFrom(1000, 2 ** 29 - 1));
const unknownField: fc.Arbitrary<WireField> = fc.oneof(
  fc.tuple(unknownNumber, int64).map(([field, value]) => varintField(field, value)),
  fc.tuple(unknownNumber, int64).map(([field, value]) => fixed64Field(field, value)),
  fc.tuple(unknownNumber, bytes).map(([field, value]) => delimitedField(field, value)),
  unknownNumber.map((field) => fixed32Field(field, 7)),
  fc
    .tuple(unknownNumber, bytes)
    .map(([field, value]) =>
      groupField(field, [groupField(3, [varintField(1, 5n)]), delimitedField(2, value)]),
    ),
);
const unknownFields = fc.oneof(
  { weight: 4, arbitrary: fc.constant<WireField[]>([]) },
  { weight: 1, arbitrary: some(unknownField, 3) },
);

const textValue = (value: fc.Arbitrary<string>): fc.Arbitrary<WireField> =>
  value.map((content) => delimitedField(1, content));
const boolValue = fc.boolean().map((value) => varintField(2, value ? 1n : 0n));
const intValue = smallInt.map((value) => varintField(3, value));

const { anyValue: randomValue } = fc.letrec<{ anyValue: Buffer; field: WireField }>((tie) => ({
  anyValue: message(once(tie('field'))),
  field: fc.oneof(
    { maxDepth: 3 },
    textValue(text),
    boolValue,
    intValue,
    fc.double().map((value) => {
      const double = Buffer.alloc(8);
      double.writeDoubleLE(value);
      return fixed64Field(4, double.readBigUInt64LE());
    }),
    bytes.map((value) => delimitedField(7, value)),
    fc.array(tie('anyValue'), { maxLength: 3 }).map((values) =>
      delimitedField(
        5,
        values.map((value) => delimitedField(1, value)),
      ),
    ),
    fc.array(tie('anyValue'), { maxLength: 3 }).map((values) =>
      delimitedField(
        6,
        values.map((value) => delimitedField(1, [delimitedField(1, 'k'), delimitedField(2, value)])),
      ),
    ),
  ),
}));

const headerList = message(
  some(
    message(once(textValue(fc.constantFrom('authorization', 'X-Tenant', 'content-type', '', 'a,b')))).map(
      (value) => delimitedField(1, value),
    ),
    5,
  ),
).map((array) => delimitedField(5, array));

const WORDS: Readonly<Record<string, readonly string[]>> = {
  'cors.kind': KINDS,
  'cors.verdict': VERDICTS,
  'cors.reason': REASONS,
  'cors.credentials': CREDENTIALS,
  'cors.allow_origin': ALLOW_ORIGINS,
  'cors.site': SITES,
  'cors.clients': ['00000000000000FF', 'ffffffffffffffff', 'short'],
};

/** A value of the type that the contract says. */
function fittingValue(key: keyof typeof ATTRIBUTES): fc.Arbitrary<Buffer> {
  const { type } = ATTRIBUTES[key];
  if (type === 'int') return message(once(intValue));
  if (type === 'boolean') return message(once(boolValue));
  if (type === 'string[]') return message(once(headerList));
  const words = WORDS[key];
  return message(once(textValue(words === undefined ? text : fc.constantFrom(...words))));
}

const keyValue = (key: string, value: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  message(fc.constant([delimitedField(1, key)]), once(value.map((content) => delimitedField(2, content))));

const KEYS = Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[];

const HTTP_WORDS: Readonly<Record<string, readonly string[]>> = {
  'http.request.method': ['GET', 'OPTIONS', 'POST', '_OTHER'],
  'http.method': ['GET', 'OPTIONS', 'POST'],
  'http.response.status_code': ['200', '204', '302', '403'],
  'http.status_code': ['200', '204', 'x'],
  'http.request.header.origin': ['https://shop.example', 'null', '', 'x'],
  'http.request.header.sec-fetch-mode': ['cors', 'no-cors'],
  'http.request.header.sec_fetch_site': ['cross-site', 'same-origin'],
  'http.request.header.access_control_request_method': ['PUT', ''],
  'http.request.header.access-control-request-headers': ['x-tenant', 'a,b, c'],
  'http.response.header.access-control-allow-origin': ['*', 'https://shop.example', 'null'],
  'http.response.header.access_control_allow_headers': ['*', 'x-tenant'],
  'http.response.header.vary': ['Origin', 'Accept'],
  'server.address': ['api.example', 'shop.example:443'],
  'server.port': ['443', '8080'],
  'url.scheme': ['https', 'http'],
  'http.url': ['https://api.example/a', '/a'],
  'cors.observed': ['true', 'false'],
};
const texts = (words: readonly string[]): fc.Arbitrary<WireField> =>
  fc.array(message(once(textValue(fc.constantFrom(...words)))), { maxLength: 3 }).map((values) =>
    delimitedField(
      5,
      values.map((value) => delimitedField(1, value)),
    ),
  );

/** A value in any of the types in which services write it. */
const httpAttribute = fc.constantFrom(...Object.entries(HTTP_WORDS)).chain(([key, words]) =>
  keyValue(
    key,
    fc.oneof(
      { weight: 4, arbitrary: message(once(textValue(fc.constantFrom(...words)))) },
      { weight: 4, arbitrary: message(once(texts(words))) },
      { weight: 1, arbitrary: message(once(boolValue)) },
      {
        weight: 1,
        arbitrary: message(once(fc.integer({ min: 99, max: 600 }).map((n) => varintField(3, BigInt(n))))),
      },
      { weight: 1, arbitrary: randomValue },
    ),
  ),
);

/** What an HTTP server span needs so that a decision is derived from it. */
const crossOriginRequest: WireField[] = [
  varintField(6, 2n),
  ...Object.entries({
    'http.request.method': 'GET',
    'http.response.status_code': '200',
    'http.request.header.origin': 'https://shop.example',
  }).map(([key, value]) =>
    delimitedField(9, [delimitedField(1, key), delimitedField(2, [delimitedField(1, value)])]),
  ),
];
const attribute = fc.oneof(
  { weight: 6, arbitrary: httpAttribute },
  { weight: 6, arbitrary: fc.constantFrom(...KEYS).chain((key) => keyValue(key, fittingValue(key))) },
  { weight: 1, arbitrary: fc.constantFrom(...KEYS).chain((key) => keyValue(key, randomValue)) },
  { weight: 1, arbitrary: text.chain((key) => keyValue(key, randomValue)) },
);

/** What a decision span must have, so that many spans become rows. */
const essentials = fc
  .tuple(
    keyValue(
      'cors.decisions',
      fc.integer({ min: 1, max: 500 }).map((count) => varintField(3, BigInt(count))),
    ),
    keyValue(
      'cors.kind',
      fc.constantFrom('actual', 'preflight').map((kind) => delimitedField(1, kind)),
    ),
    keyValue('cors.verdict', fc.constant(delimitedField(1, 'allowed'))),
  )
  .map((all) => all.map((content) => delimitedField(9, content)));

const id = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.uint8Array({ minLength: size, maxLength: size }) },
    { weight: 1, arbitrary: fc.constantFrom(Buffer.alloc(size), Buffer.alloc(size + 1, 1), Buffer.alloc(0)) },
  );

const link = message(
  once(id(16).map((value) => delimitedField(1, value))),
  once(id(8).map((value) => delimitedField(2, value))),
).map((content) => delimitedField(13, content));

/** Start times in nanoseconds: around `now` (epoch milliseconds) and anything. */
const startTime = (now: number): fc.Arbitrary<bigint> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.bigInt({ min: 0n, max: 10n ** 12n }).map((ago) => BigInt(now) * 1_000_000n - ago),
    },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  );

const span = (now: number): fc.Arbitrary<WireField> =>
  message(
    once(id(16).map((value) => delimitedField(1, value))),
    once(id(8).map((value) => delimitedField(2, value))),
    once(text.map((name) => delimitedField(5, name))),
    once(startTime(now).map((nanos) => fixed64Field(7, nanos))),
    once(startTime(now).map((nanos) => fixed64Field(8, nanos))),
    fc.oneof(essentials, fc.constant<WireField[]>([]), fc.constant(crossOriginRequest)),
    once(
      fc.constantFrom('ot=th:8', 'a=b,ot=rv:0;th:c', 'ot=th:zz', '').map((state) => delimitedField(3, state)),
    ),
    once(id(8).map((value) => delimitedField(4, value))),
    once(fc.constantFrom(1n, 2n, 3n, -1n).map((kind) => varintField(6, kind))),
    once(fc.constantFrom(0, 1, 0x100, 0x200, 0x301).map((flags) => fixed32Field(16, flags))),
    some(
      attribute.map((content) => delimitedField(9, content)),
      12,
    ),
    some(link, 2),
  ).map((content) => delimitedField(2, content));

const scope = message(
  once(
    fc
      .constantFrom(SCOPE_NAME, SCOPE_NAME, '', 'nginx', '@opentelemetry/instrumentation-http')
      .map((name) => delimitedField(1, name)),
  ),
  once(text.map((version) => delimitedField(2, version))),
).map((content) => delimitedField(1, content));

const RESOURCE_NAMES = [
  'service.name',
  'service.instance.id',
  'service.version',
  'deployment.environment',
  'originscope.headers_captured',
  'originscope.observer',
  'x',
];

const resource = message(
  some(
    fc
      .constantFrom(...RESOURCE_NAMES)
      .chain((key) =>
        keyValue(
          key,
          fc.oneof(
            message(once(textValue(text))),
            message(once(textValue(fc.constant('true')))),
            randomValue,
          ),
        ),
      )
      .map((content) => delimitedField(1, content)),
    6,
  ),
).map((content) => delimitedField(1, content));

/** ExportTraceServiceRequests with spans around `now` (epoch milliseconds). */
export const traceRequests = (now: number): fc.Arbitrary<Buffer> =>
  message(
    some(
      message(
        once(resource),
        some(
          message(once(scope), some(span(now), 4)).map((content) => delimitedField(2, content)),
          2,
        ),
      ).map((content) => delimitedField(1, content)),
      2,
    ),
  );
