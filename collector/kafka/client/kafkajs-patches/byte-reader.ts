const INT53_BITS = 48;

/** Reads Kafka's primitive types. @throws RangeError for missing bytes or invalid values */
export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8));
  }

  /** A view of the next bytes. */
  bytes(length: number): Buffer {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A view of the next bytes, prefixed by their length as an int32; null when that is −1. */
  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length === -1 ? null : this.bytes(length);
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** Like `nullableBytes`, with the length as a varint. */
  varintBytes(): Buffer | null {
    const length = this.varint();
    return length === -1 ? null : this.bytes(length);
  }

  /** A zigzag varint of at most 32 bits (https://protobuf.dev/programming-guides/encoding/#signed-ints). */
  varint(): number {
    const value = Number(this.varlong());
    if (value !== (value | 0)) throw new RangeError('a varint is beyond 32 bits');
    return value;
  }

  /** A zigzag varint of at most 64 bits. */
  varlong(): number | bigint {
    let low = 0;
    for (let bits = 0, scale = 1; bits < INT53_BITS; bits += 7, scale *= 128) {
      const byte = this.#byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return low % 2 === 0 ? low / 2 : -(low + 1) / 2;
    }
    let value = BigInt(low);
    for (let bits = 49n; bits < 70n; bits += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << bits;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new RangeError('a varint is longer than 10 bytes');
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new RangeError('bytes are missing at the end');
    this.#offset++;
    return byte;
  }

  /** @returns the start of the skipped bytes */
  #advance(length: number): number {
    if (length < 0) throw new RangeError(`a length is ${length}`);
    if (length > this.left) throw new RangeError('bytes are missing at the end');
    const start = this.#offset;
    this.#offset += length;
    return start;
  }
}
