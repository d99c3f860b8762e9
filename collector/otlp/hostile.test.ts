import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { decodeOrRefuse } from '../../test/support/hostile-otlp.ts';
import {
  ALLOWED,
  decisionRequest,
  decisionSpan,
  keyValues,
  realisticRequest,
  seeded,
} from '../../test/support/otlp-bodies.ts';
import { encodeRequest, encodeSpan } from '../../test/support/otlp-schema.ts';
import { delimitedField, groupField, varintField, type WireField } from '../../test/support/wire.ts';
import { decodeTraces } from './decode.ts';
import { acceptedWindow, type Decoded } from './decoding-result.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const WINDOW = acceptedWindow(NOW);
const ID = '00f067aa0ba902b7';

const request = realisticRequest({ random: seeded(7), time: NOW, spans: 4 });
const BODIES = {
  protobuf: encodeRequest(request),
  json: Buffer.from(JSON.stringify(request)),
} as const;

describe.each(['protobuf', 'json'] as const)('%s', (encoding) => {
  const body = BODIES[encoding];

  test('a body truncated anywhere is rejected; none of its spans are accepted', () => {
    for (let length = 1; length < body.length; length++) {
      expect(decodeOrRefuse(body.subarray(0, length), encoding, WINDOW)).toBeUndefined();
    }
  });

  test('flipped bits give rows within bounds, or a rejection', () => {
    const flips = fc.array(fc.nat(body.length * 8 - 1), { minLength: 1, maxLength: 8 });
    const survive = (bits: number[]) => {
      const broken = Buffer.from(body);
      for (const bit of bits) broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      decodeOrRefuse(broken, encoding, WINDOW);
    };
    fc.assert(fc.property(flips, survive), { numRuns: 2000 });
  });

  test('noise is rejected, or yields nothing', () => {
    const hold = (noise: Uint8Array) => {
      expect(decodeOrRefuse(noise, encoding, WINDOW)?.spans ?? []).toEqual([]);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), hold), { numRuns: 2000 });
  });
});

/** A protobuf body with one decision span that has further fields. */
function spanWith(...fields: WireField[]): Buffer {
  const scope = delimitedField(1, [delimitedField(1, SCOPE_NAME)]);
  const span = delimitedField(2, [encodeSpan(decisionSpan(ID, NOW)), ...fields]);
  return delimitedField(1, [delimitedField(2, [scope, span])]);
}

const decodeProtobuf = (body: Buffer): Decoded => decodeTraces(body, 'protobuf', WINDOW);
const decodeJson = (text: string): Decoded => decodeTraces(Buffer.from(text), 'json', WINDOW);
const MALFORMED = expect.objectContaining({ code: 'OTLP_MALFORMED' });

test('a million attributes are skipped without keeping them', () => {
  const attribute = delimitedField(9, [delimitedField(1, 'k'), delimitedField(2, [delimitedField(1, 'v')])]);
  const million = Buffer.alloc(attribute.length * 1_000_000, attribute);
  expect(decodeProtobuf(spanWith(million)).spans).toEqual(decodeProtobuf(spanWith()).spans);
});

test('a million spans are rejected, in any scope', () => {
  for (const name of [SCOPE_NAME, 'another']) {
    const scope = delimitedField(1, [delimitedField(1, name)]);
    const spans = Buffer.alloc(2_000_000, Buffer.from([0x12, 0]));
    expect(() => decodeProtobuf(delimitedField(1, [delimitedField(2, [scope, spans])]))).toThrow(MALFORMED);
  }
});

test('a hundred thousand attributes in JSON are accepted, but not too many values', () => {
  const span = decisionSpan(ID, NOW);
  const text = JSON.stringify(decisionRequest([{ ...span, attributes: [] }]));
  const attributes = JSON.stringify(keyValues(ALLOWED)).slice(1, -1);
  const many = `"attributes":[${'{"key":"k"},'.repeat(100_000)}${attributes}]`;
  expect(decodeJson(text.replace('"attributes":[]', many)).spans).toMatchObject([
    { spanId: ID, decisions: 3 },
  ]);
  const millions = `{"x":[${'{},'.repeat(1_000_000)}{}]}`;
  expect(() => decodeJson(millions)).toThrow(expect.objectContaining({ code: 'BODY_TOO_LARGE' }));
});

test('values nested 100,000 deep are skipped, also under a key that is read', () => {
  // Lengths are computed from the inside out, bytes are needed from the outside in.
  const levels = [delimitedField(1, 'deep')];
  let length = levels[0]?.length ?? 0;
  for (let level = 0; level < 100_000; level++) {
    const head = delimitedHead(level % 2 === 0 ? 5 : 1, length);
    levels.push(head);
    length += head.length;
  }
  const nested = Buffer.concat(levels.reverse());
  for (const key of ['x', 'cors.request.headers', 'http.route']) {
    const value = delimitedField(2, [delimitedField(5, nested)]);
    const decoded = decodeProtobuf(spanWith(delimitedField(9, [delimitedField(1, key), value])));
    expect(decoded.spans).toHaveLength(1);
  }
});

/** Tag and length of a delimited field whose content follows elsewhere. */
function delimitedHead(field: number, length: number): Buffer {
  const whole = varintField(field, BigInt(length));
  whole[0] = (whole[0] as number) | 2;
  return whole;
}

test('JSON nested 100,000 deep is skipped', () => {
  const deep = `${'{"arrayValue":{"values":['.repeat(100_000)}{}${']}}'.repeat(100_000)}`;
  const span = JSON.stringify({ ...decisionSpan(ID, NOW), attributes: undefined }).slice(0, -1);
  const attributes = JSON.stringify(keyValues(ALLOWED)).slice(0, -1);
  const body = JSON.stringify(decisionRequest([])).replace(
    '"spans":[]',
    () => `"spans":[${span},"attributes":${attributes},{"key":"cors.request.headers","value":${deep}}]}]`,
  );
  expect(decodeJson(body).spans).toHaveLength(1);
});

test.each<[string, Buffer]>([
  ['a length of 2^32', delimitedHead(1, 2 ** 32)],
  ['a length of 2^63', delimitedHead(1, 2 ** 63)],
  ['a varint of 11 bytes', Buffer.from([0x08, ...Array(10).fill(0x80), 0x01])],
  ['field number 0', Buffer.from([0x02, 0x00])],
  ['wire type 6', Buffer.from([0x0e, 0x00])],
  ['a group that is never closed', groupField(9, []).subarray(0, 1)],
  ['a group that was never opened', groupField(9, []).subarray(1)],
  ['groups that cross', Buffer.concat([groupField(9, []).subarray(0, 1), groupField(8, [])])],
])('%s is refused', (_, body) => {
  expect(() => decodeProtobuf(body)).toThrow(MALFORMED);
  expect(() => decodeProtobuf(spanWith(body))).toThrow(MALFORMED);
});

test('groups nested 100,000 deep are skipped', () => {
  const open = Buffer.alloc(100_000, groupField(12, []).subarray(0, 1));
  const close = Buffer.alloc(100_000, groupField(12, []).subarray(1));
  expect(decodeProtobuf(spanWith(open, close)).spans).toHaveLength(1);
});

test('a message that ends after its parent is rejected', () => {
  const scopeSpans = Buffer.concat([delimitedHead(2, 2), Buffer.from([0x0a])]);
  expect(() => decodeProtobuf(Buffer.concat([delimitedField(1, scopeSpans), varintField(9, 0n)]))).toThrow(
    MALFORMED,
  );
});

test('a field that ends after its attribute cannot read its neighbour', () => {
  const secret = delimitedField(9, 'the neighbour of it');
  const reaching = Buffer.concat([
    delimitedField(1, 'http.route'),
    delimitedHead(2, 10),
    delimitedHead(1, 8),
  ]);
  expect(() => decodeProtobuf(spanWith(delimitedField(9, reaching), secret))).toThrow(MALFORMED);
});

test('JSON keys with a special meaning in JavaScript have no effect', () => {
  const body = JSON.stringify(decisionRequest([decisionSpan(ID, NOW)])).replace(
    '"attributes":[',
    () =>
      '"__proto__":{"spans":[{}]},"constructor":1,"attributes":[{"key":"__proto__","value":{"stringValue":"x"}},',
  );
  expect(decodeJson(body).spans).toMatchObject([{ spanId: ID, service: 'checkout', decisions: 3 }]);
});

test('only the beginning of a 100 KB string is kept', () => {
  const origins = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(100_000, 'é'));
  const spans = origins.map((origin) => decisionSpan(ID, NOW, { ...ALLOWED, 'cors.origin': origin }));
  const rows = [...decodeJson(JSON.stringify(decisionRequest(spans))).spans];
  expect(rows.map((row) => row.origin)).toEqual(origins.map((origin) => origin.slice(0, 256)));
});

/**
 * A body with one HTTP server span of another instrumentation, from which a decision is derived, with
 * additional fields.
 */
function serverSpanWith(...fields: WireField[]): Buffer {
  const span = encodeSpan({
    ...decisionSpan(ID, NOW, {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.request.header.origin': 'https://shop.example',
    }),
    kind: 2,
  });
  return delimitedField(1, [delimitedField(2, [delimitedField(2, [span, ...fields])])]);
}

const stringAttribute = (key: string, value: string): Buffer =>
  delimitedField(9, [delimitedField(1, key), delimitedField(2, [delimitedField(1, value)])]);

test('text in headers of a client is bounded in the row', () => {
  const long = Array.from({ length: 20_000 }, (_, index) => `x-${index}`).join(',');
  const body = serverSpanWith(
    stringAttribute('http.request.method', 'OPTIONS'),
    stringAttribute('http.request.header.access-control-request-method', 'M'.repeat(100_000)),
    stringAttribute('http.request.header.access-control-request-headers', long),
    stringAttribute('http.request.header.origin', 'https://'.padEnd(100_000, 'é')),
    stringAttribute('http.response.header.access-control-allow-origin', '\u001b[2J'.repeat(10_000)),
    stringAttribute('http.response.header.access-control-allow-headers', ','.repeat(100_000)),
    stringAttribute('http.route', '/'.repeat(100_000)),
    stringAttribute('url.path', '/a'.repeat(50_000)),
    stringAttribute('http.host', ':'.repeat(100_000)),
    delimitedField(3, `${'ot=;'.repeat(50_000)}th:`),
  );
  expect(decodeOrRefuse(body, 'protobuf', WINDOW)?.spans).toMatchObject([{ spanId: ID, verdict: 'blocked' }]);
});

test('a span of another instrumentation may be nested arbitrarily deep', () => {
  const values: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < 100_000; level++) {
    const head = delimitedHead(level % 2 === 0 ? 5 : 1, length);
    values.push(head);
    length += head.length;
  }
  const value = delimitedField(2, [Buffer.concat(values.reverse())]);
  const attribute = delimitedField(9, [delimitedField(1, 'http.response.header.vary'), value]);
  expect(decodeProtobuf(serverSpanWith(attribute)).spans).toHaveLength(1);
});
