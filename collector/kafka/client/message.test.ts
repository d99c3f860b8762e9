import { expect, test } from 'vitest';
import { decisionRequest, decisionSpan } from '../../../test/support/otlp-bodies.ts';
import { encodeRequest } from '../../../test/support/otlp-schema.ts';
import { decodeTraces } from '../../otlp/decode.ts';
import { acceptedWindow } from '../../otlp/decoding-result.ts';
import { decodeMessage, ENCODING_HEADER, encodingOf, headersFor } from './message.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const WINDOW = acceptedWindow(NOW);
const request = decisionRequest([decisionSpan('00000000000000a1', NOW)]);
const bodies = {
  protobuf: encodeRequest(request),
  json: Buffer.from(JSON.stringify(request)),
  'indented json': Buffer.from(`\n${JSON.stringify(request, null, 2)}\n`),
};

test('the header survives Kafka, where values are bytes', () => {
  for (const encoding of ['protobuf', 'json'] as const) {
    expect(encodingOf({ [ENCODING_HEADER]: Buffer.from(headersFor(encoding)[ENCODING_HEADER] ?? '') })).toBe(
      encoding,
    );
  }
});

test('with an unknown header, or none, the encoding is detected', () => {
  expect(encodingOf({ [ENCODING_HEADER]: Buffer.from('avro') })).toBeUndefined();
  expect(encodingOf({})).toBeUndefined();
  expect(encodingOf(undefined)).toBeUndefined();
});

test.each(Object.entries(bodies))('without a header, %s is detected', (_, body) => {
  const [span] = decodeMessage({ value: body }, WINDOW).spans;
  expect(span).toEqual(decodeTraces(bodies.protobuf, 'protobuf', WINDOW).spans[0]);
  expect(span).toMatchObject({ service: 'checkout' });
});

test('anything else is malformed, with the error of the more likely encoding', () => {
  expect(() => decodeMessage({ value: Buffer.from('{"resourceSpans": [') }, WINDOW)).toThrow(/JSON/);
  expect(() => decodeMessage({ value: Buffer.from([0x0a, 0x7f]) }, WINDOW)).toThrow(
    expect.objectContaining({ code: 'OTLP_MALFORMED' }),
  );
});

test('the encoding in the header is not second-guessed', () => {
  expect(() => decodeMessage({ value: bodies.json, headers: headersFor('protobuf') }, WINDOW)).toThrow(
    expect.objectContaining({ code: 'OTLP_MALFORMED' }),
  );
});

test('a message without a value is malformed, not an empty request', () => {
  expect(() => decodeMessage({ value: null }, WINDOW)).toThrow(
    expect.objectContaining({ code: 'OTLP_MALFORMED' }),
  );
});

test.each([headersFor('json'), {}])('JSON of millions of values is not parsed (headers %o)', (headers) => {
  const value = Buffer.from(`{"x":[${'{},'.repeat(1_000_000)}{}]}`);
  expect(() => decodeMessage({ value, headers }, WINDOW)).toThrow(
    expect.objectContaining({
      code: 'OTLP_MALFORMED',
      message: expect.stringContaining('600000 JSON values'),
    }),
  );
});
