import { decodeTraces, type Encoding } from '../../collector/otlp/decode.ts';
import type { Decoded, TimeWindow } from '../../collector/otlp/decoding-result.ts';
import { OriginscopeError } from '../../core/errors.ts';

/** No text of a row may be longer: 32 header names of 64 and their commas. */
const LONGEST = 32 * 65;

/**
 * Decodes a hostile body: returns rows within their limits, or undefined if the body is rejected. Throws on
 * anything else, including bugs.
 */
export function decodeOrRefuse(
  body: Uint8Array,
  encoding: Encoding,
  window: TimeWindow,
): Decoded | undefined {
  let decoded: Decoded;
  try {
    decoded = decodeTraces(body, encoding, window);
  } catch (error) {
    const declared = error instanceof OriginscopeError && error.code === 'OTLP_MALFORMED' && !error.retryable;
    if (!declared || error.cause instanceof TypeError || error.cause instanceof RangeError) throw error;
    return undefined;
  }
  for (const span of decoded.spans) {
    for (const [name, value] of Object.entries(span)) {
      if (typeof value === 'number' ? !Number.isSafeInteger(value) : false)
        throw new Error(`${name}: ${value}`);
      if (typeof value !== 'string') continue;
      if (value.length > LONGEST || /\p{Cc}|\p{Cs}/u.test(value)) throw new Error(`${name}: ${value}`);
    }
    if (!/^(?!0{16})[0-9a-f]{16}$/.test(span.spanId)) throw new Error(`span id ${span.spanId}`);
    if (span.time < window.earliest || span.time > window.latest) throw new Error(`time ${span.time}`);
  }
  return decoded;
}
