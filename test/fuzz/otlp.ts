import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { decodeTraces } from '../../collector/otlp/decode.ts';
import { acceptedWindow } from '../../collector/otlp/decoding-result.ts';
import { decodeOrRefuse } from '../support/hostile-otlp.ts';
import { requestOf } from '../support/otlp-schema.ts';
import { traceRequests } from '../support/otlp-wire.ts';

/*
 * `npm run fuzz:otlp -- --seconds 60 [--seed N]`: random valid bodies, which protobufjs must read in the same
 * way, and the same bodies damaged, which must be refused or give rows within bounds. A failure prints its seed.
 */

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const end = Date.now() + Number(values.seconds) * 1000;
const now = Date.UTC(2026, 10, 22, 12);
const window = acceptedWindow(now);
const counts = { bodies: 0, rows: 0, rejected: 0, passedOver: 0, damaged: 0, refused: 0 };

function agree(body: Buffer): void {
  const decoded = decodeTraces(body, 'protobuf', window);
  const json = decodeTraces(Buffer.from(JSON.stringify(requestOf(body))), 'json', window);
  if (JSON.stringify(decoded) !== JSON.stringify(json)) {
    throw new Error(`the encodings disagree:\n${JSON.stringify(decoded)}\n${JSON.stringify(json)}`);
  }
  counts.bodies++;
  counts.rows += decoded.spans.length;
  counts.rejected += decoded.rejected;
  counts.passedOver += decoded.passedOver;
}

/** Flips, inserts, removes, repeats: what networks and attackers do. */
function damage(body: Buffer, edits: readonly (readonly [at: number, kind: number, byte: number])[]): Buffer {
  let bytes = body;
  for (const [position, kind, byte] of edits) {
    const at = bytes.length === 0 ? 0 : position % bytes.length;
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (kind === 0) bytes = Buffer.concat([before, Buffer.from([byte]), after.subarray(1)]);
    else if (kind === 1) bytes = Buffer.concat([before, Buffer.from([byte]), after]);
    else if (kind === 2) bytes = Buffer.concat([before, after.subarray(byte)]);
    else bytes = Buffer.concat([before, after.subarray(0, byte), after]);
  }
  return bytes;
}

const edits = fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.nat(255)), { minLength: 1, maxLength: 6 });
const property = fc.property(traceRequests(now), edits, (body, changes) => {
  agree(body);
  const json = Buffer.from(JSON.stringify(requestOf(body)));
  for (const [encoding, bytes] of [
    ['protobuf', body],
    ['json', json],
  ] as const) {
    counts.damaged++;
    if (decodeOrRefuse(damage(bytes, changes), encoding, window) === undefined) counts.refused++;
  }
});

let seed = values.seed === undefined ? Date.now() : Number(values.seed);
while (Date.now() < end) {
  fc.assert(property, { seed, numRuns: 500 });
  seed++;
}
console.log(counts);
