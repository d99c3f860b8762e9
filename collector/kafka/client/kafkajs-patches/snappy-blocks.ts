import snappy from 'kafkajs-snappy';
import { TooLargeError } from './too-large-error.ts';

/** Java producers write blocks after this magic, each prefixed by its length; others write a single block. */
const XERIAL_MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0]);
/** The magic bytes, a version and the minimum compatible version. */
const XERIAL_HEADER_BYTES = 16;
/** Only the last block of Java producers is smaller. */
const MIN_BLOCK_BYTES = 1024;

/**
 * Decompresses snappy as used in Kafka's batches.
 *
 * @throws TooLargeError; other errors when it is not valid snappy
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
export async function decompressSnappy(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const blocks = blocksOf(bytes, Math.ceil(maxBytes / MIN_BLOCK_BYTES));
  // The library allocates the declared size of a block.
  const size = blocks.reduce((sum, block) => sum + uncompressedLength(block), 0);
  if (size > maxBytes) throw new TooLargeError(maxBytes, 'bytes');
  const decompressed: Buffer[] = [];
  for (const block of blocks) decompressed.push(await snappy().decompress(block));
  return decompressed.length === 1 && decompressed[0] !== undefined
    ? decompressed[0]
    : Buffer.concat(decompressed);
}

function blocksOf(bytes: Buffer, maxBlocks: number): Buffer[] {
  if (!isXerial(bytes)) return [bytes];
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const block = bytes.subarray(at + 4, at + 4 + length);
    // Within a block the magic is not valid snappy, but the library would interpret it as another frame.
    if (block.length < length || isXerial(block))
      throw new RangeError('a snappy block is truncated or nested');
    if (blocks.push(block) > maxBlocks) throw new TooLargeError(maxBlocks, 'blocks');
    at += 4 + length;
  }
  return blocks;
}

const isXerial = (bytes: Buffer): boolean => bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC);

/** A block begins with its uncompressed length, as a varint of at most 32 bits. */
function uncompressedLength(block: Buffer): number {
  let length = 0;
  for (let at = 0, scale = 1; at < 5; at++, scale *= 128) {
    const byte = block.readUInt8(at);
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return length;
  }
  throw new RangeError('a snappy block does not declare its size');
}
