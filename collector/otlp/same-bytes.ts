/** Whether two stretches of bytes are equal; four at a time, because this runs for every attribute key and value. */
export function sameBytes(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    if (a.getUint32(aAt + at) !== b.getUint32(bAt + at)) return false;
  }
  for (; at < length; at++) {
    if (a.getUint8(aAt + at) !== b.getUint8(bAt + at)) return false;
  }
  return true;
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
