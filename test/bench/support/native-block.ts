/** A column of an answer: name, type, and a value a row. */
export type NativeColumn =
  | readonly [name: string, type: 'String', values: readonly string[]]
  | readonly [name: string, type: 'UInt32', values: readonly number[]];

/**
 * A block as the TCP protocol writes it since revision 54454: block info, the number of columns and of rows,
 * then each column with its name, its type, a byte "no custom serialisation", and its values.
 */
export function nativeBlock(columns: readonly NativeColumn[]): Buffer {
  // Field 1, is_overflows: false; field 2, bucket_num: -1; no more fields.
  const info = Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0]);
  const rows = columns[0]?.[2].length ?? 0;
  const parts = columns.flatMap(([name, type, values]) => [
    text(name),
    text(type),
    Buffer.from([0]),
    ...values.map((value) => (typeof value === 'string' ? text(value) : fixed32(value))),
  ]);
  return Buffer.concat([info, varint(columns.length), varint(rows), ...parts]);
}

/** Columns and rows of a block without block info, which is how inserts over HTTP send it. */
export function nativeSize(block: Uint8Array): { columns: number; rows: number } {
  const numbers: number[] = [];
  for (let at = 0; numbers.length < 2; at++) {
    let value = 0;
    let factor = 1;
    for (; (block[at] ?? 0) >= 0x80; at++, factor *= 0x80) value += ((block[at] ?? 0) & 0x7f) * factor;
    numbers.push(value + (block[at] ?? 0) * factor);
  }
  const [columns = 0, rows = 0] = numbers;
  return { columns, rows };
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function fixed32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** LEB128. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}
