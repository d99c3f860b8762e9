const COMMA = ','.charCodeAt(0);
const BRACE = '{'.charCodeAt(0);
const BRACKET = '['.charCodeAt(0);

/**
 * Counts the bytes of a JSON text that may precede a value: commas and starts of arrays and objects. This
 * is an upper bound of the number of values except the outermost, and many times cheaper than parsing.
 */
export function countSeparators(body: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === COMMA || byte === BRACE || byte === BRACKET) count++;
  }
  return count;
}
