const MAGIC = 0x184d2204;
const CONTENT_SIZE_FLAG = 0b0000_1000;
const DICTIONARY_FLAG = 0b0000_0001;
const BLOCK_CHECKSUM_FLAG = 0b0001_0000;
const STORED_BLOCK = 0x8000_0000;

/**
 * Computes the decompressed size of the first LZ4 frame without decompressing it; stops when it exceeds
 * `maxBytes`. Data after the frame is ignored, as by decoders.
 *
 * @throws RangeError when it is not a valid frame
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function lz4FrameSize(frame: Buffer, maxBytes: number): number {
  if (frame.readUInt32LE(0) !== MAGIC) throw new RangeError('not an LZ4 frame');
  const flags = frame.readUInt8(4);
  let at = 7 + (flags & CONTENT_SIZE_FLAG ? 8 : 0) + (flags & DICTIONARY_FLAG ? 4 : 0);
  let size = 0;
  for (;;) {
    const header = frame.readUInt32LE(at);
    at += 4;
    if (header === 0 || size > maxBytes) return size;
    const length = header & ~STORED_BLOCK;
    const block = frame.subarray(at, at + length);
    if (block.length < length) throw new RangeError('an LZ4 block is cut off');
    size += (header & STORED_BLOCK) !== 0 ? length : blockSize(block, maxBytes - size);
    at += length + (flags & BLOCK_CHECKSUM_FLAG ? 4 : 0);
  }
}

/**
 * A block consists of sequences: a token (four-bit lengths of literals and of a match, extended by bytes of
 * 255), literals and the offset of the match; the last one has literals only.
 *
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
function blockSize(block: Buffer, maxBytes: number): number {
  let at = 0;
  let size = 0;
  const more = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; ) {
      byte = block.readUInt8(at++);
      length += byte;
    }
    return length;
  };
  while (at < block.length && size <= maxBytes) {
    const token = block.readUInt8(at++);
    const literals = more(token >> 4);
    at += literals;
    size += literals;
    if (at >= block.length) break;
    at += 2;
    size += 4 + more(token & 15);
  }
  return size;
}
