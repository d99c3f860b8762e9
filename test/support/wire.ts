/**
 * Writes protobuf field by field, as no library would: fields in any order, messages in pieces, unknown fields,
 * groups. For tests of readers.
 */
export type WireField = Buffer;

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? byte | 0x80 : byte);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const tag = (field: number, type: number): Buffer => varint(BigInt(field) * 8n + BigInt(type));

export const varintField = (field: number, value: bigint): WireField =>
  Buffer.concat([tag(field, 0), varint(value)]);

export function fixed64Field(field: number, value: bigint): WireField {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return Buffer.concat([tag(field, 1), bytes]);
}

/** A string, bytes or message. */
export function delimitedField(
  field: number,
  payload: string | Uint8Array | readonly WireField[],
): WireField {
  const bytes =
    payload instanceof Uint8Array || typeof payload === 'string' ? payload : Buffer.concat(payload);
  const buffer = Buffer.from(bytes);
  return Buffer.concat([tag(field, 2), varint(BigInt(buffer.length)), buffer]);
}

export const groupField = (field: number, content: readonly WireField[]): WireField =>
  Buffer.concat([tag(field, 3), ...content, tag(field, 4)]);

export const fixed32Field = (field: number, value: number): WireField => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return Buffer.concat([tag(field, 5), bytes]);
};
