import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestOf } from '../../test/support/otlp-schema.ts';
import { traceRequests } from '../../test/support/otlp-wire.ts';
import { decodeTraces } from './decode.ts';
import { acceptedWindow } from './decoding-result.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const WINDOW = acceptedWindow(NOW);

test('any valid body decodes to the same as protobufjs with the official schema and as OTLP/JSON', () => {
  let rows = 0;
  let derived = 0;
  let rejected = 0;
  let passedOver = 0;
  const agree = (bytes: Buffer) => {
    const json = Buffer.from(JSON.stringify(requestOf(bytes)));
    const decoded = decodeTraces(bytes, 'protobuf', WINDOW);
    expect(decoded).toEqual(decodeTraces(json, 'json', WINDOW));
    rows += decoded.spans.length;
    derived += decoded.spans.filter(({ source }) => source !== 'instrumented').length;
    rejected += decoded.rejected;
    passedOver += decoded.passedOver;
  };
  fc.assert(fc.property(traceRequests(NOW), agree), { numRuns: 1000 });
  // The generator must reach every outcome for the agreement to be meaningful.
  expect(Math.min(rows - derived, derived, rejected, passedOver)).toBeGreaterThan(20);
});
