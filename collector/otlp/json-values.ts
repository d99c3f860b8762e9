/**
 * The most values that a JSON body of strangers may have: a value takes up to 100 bytes when it is parsed, and two
 * where it is written. Real bodies have one in 16 bytes.
 */
export const MAX_JSON_VALUES = 600_000;

const COMMA = ','.charCodeAt(0);
const BRACE = '{'.charCodeAt(0);
const BRACKET = '['.charCodeAt(0);

/** Whether a JSON body has more values than may be parsed. */
export const hasTooManyValues = (body: Uint8Array): boolean =>
  body.length > MAX_JSON_VALUES && countSeparators(body) > MAX_JSON_VALUES;

/** About as many as there are values, and never fewer but by one: each follows one of these. */
function countSeparators(body: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === COMMA || byte === BRACE || byte === BRACKET) count++;
  }
  return count;
}
