/**
 * Whether two ranges of at least 4 bytes are equal; compares words, because this runs for every attribute.
 */
export function sameBytes(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  const last = length - 4;
  for (let at = 0; at < last; at += 4) {
    if (a.getUint32(aAt + at, true) !== b.getUint32(bAt + at, true)) return false;
  }
  return a.getUint32(aAt + last, true) === b.getUint32(bAt + last, true);
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
