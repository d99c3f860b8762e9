import type { PbfReader } from 'pbf';

/** Tag of a field: its number and wire type (https://protobuf.dev/programming-guides/encoding/#structure). */
export const varint = (field: number): number => field << 3;
export const fixed64 = (field: number): number => (field << 3) | 1;
export const fixed32 = (field: number): number => (field << 3) | 5;
export const delimited = (field: number): number => (field << 3) | 2;

/** The body violates the wire format. `decodeTraces` turns it into a declared error. */
export class WireError extends Error {}

/*
 * pbf trusts its input: it reads past the end and never compares a field's end with its message's. These functions
 * do, so that a field cannot overlap its neighbour.
 */

/** Reads a length and returns the end of the length-delimited field. */
export function endOfField(reader: PbfReader, end: number): number {
  const length = reader.readVarint();
  const fieldEnd = reader.pos + length;
  if (fieldEnd > end) throw new WireError('a field reaches past the end of its message');
  return fieldEnd;
}

/** Call after the last field of a message. */
export function closeMessage(reader: PbfReader, end: number): void {
  if (reader.pos !== end) throw new WireError('a field reaches past the end of its message');
}

/** Skips a field of any type. */
export function skipField(reader: PbfReader, tag: number, end: number): void {
  if (tag < 8 || tag > 0xffffffff) throw new WireError('a field has no valid number');
  switch (tag & 7) {
    case 0:
      reader.readVarint();
      break;
    case 1:
      reader.pos += 8;
      break;
    case 2:
      reader.pos = endOfField(reader, end);
      break;
    case 3:
      skipGroup(reader, tag, end);
      break;
    case 5:
      reader.pos += 4;
      break;
    default:
      throw new WireError('a field has no valid type');
  }
  if (reader.pos > end) throw new WireError('a field reaches past the end of its message');
}

/** Groups are deprecated, but readers must skip unknown ones; uses a stack of tags instead of recursion. */
function skipGroup(reader: PbfReader, opening: number, end: number): void {
  const open = [opening];
  while (open.length > 0) {
    if (reader.pos >= end) throw new WireError('a group has no end');
    const tag = reader.readVarint();
    if ((tag & 7) === 3 && tag >= 8 && tag <= 0xffffffff) open.push(tag);
    else if ((tag & 7) !== 4) skipField(reader, tag, end);
    else if (open.pop() !== tag - 1) throw new WireError('a group ends that was not started');
  }
}
