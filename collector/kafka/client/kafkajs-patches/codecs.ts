import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import snappy from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { codeOf, OriginscopeError } from '../../../../core/errors.ts';
import { lz4FrameSize } from './lz4-frame-size.ts';
import { READING_LIMITS } from './reading-limits.ts';
import { decompressSnappy } from './snappy-blocks.ts';
import { TooLargeError } from './too-large-error.ts';

// Node detects only some of the named exports of kafkajs.
const { CompressionCodecs, CompressionTypes } = kafkajs;
const gzip = promisify(zlib.gzip);
const unzip = promisify(zlib.unzip);

interface Codec {
  readonly name: string;
  compress(bytes: Buffer): Promise<Buffer>;
  /** @throws TooLargeError; other errors when it is not of this format */
  decompress(bytes: Buffer, maxBytes: number): Promise<Buffer>;
}

/** By the number in a batch's attributes. */
const CODECS: ReadonlyMap<number, Codec> = new Map([
  [
    CompressionTypes.GZIP,
    {
      name: 'gzip',
      compress: (bytes) => gzip(bytes),
      decompress: (bytes, maxBytes) => inflate(unzip, bytes, maxBytes),
    },
  ],
  [
    CompressionTypes.Snappy,
    {
      name: 'snappy',
      compress: (bytes) => snappy().compress({ buffer: bytes }),
      decompress: decompressSnappy,
    },
  ],
  [
    CompressionTypes.LZ4,
    {
      name: 'lz4',
      compress: (bytes) => compressFrame(bytes),
      async decompress(bytes, maxBytes) {
        // The library has no limit.
        if (lz4FrameSize(bytes, maxBytes) > maxBytes) throw new TooLargeError(maxBytes, 'bytes');
        return decompressFrame(bytes);
      },
    },
  ],
  [
    CompressionTypes.ZSTD,
    {
      name: 'zstd',
      compress: (bytes) => promisify(zlib.zstdCompress)(bytes),
      decompress: (bytes, maxBytes) => inflate(promisify(zlib.zstdDecompress), bytes, maxBytes),
    },
  ],
]);

/** Undefined for an unassigned number; 0 is no compression. */
export function codecName(type: number): string | undefined {
  return type === CompressionTypes.None ? 'none' : CODECS.get(type)?.name;
}

/**
 * @param type as in a batch's attributes
 * @param maxBytes the maximum size of the output
 * @throws TooLargeError; other errors when the bytes are not valid for the codec
 */
export async function decompress(type: number, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const codec = CODECS.get(type);
  if (codec === undefined) throw new RangeError(`unknown compression codec ${type}`);
  return codec.decompress(bytes, maxBytes);
}

/**
 * Registers all codecs for compression in kafkajs, which only includes gzip; producers, including the
 * OpenTelemetry Collector, use all four. Decompression happens in fetch-response.ts.
 *
 * @throws OriginscopeError `NODE_TOO_OLD`: a message that cannot be decompressed would be lost
 */
export function registerCodecs(): void {
  if (!('zstdDecompress' in zlib)) {
    throw new OriginscopeError('NODE_TOO_OLD', { version: process.versions.node });
  }
  for (const [type, { compress, decompress }] of CODECS) {
    CompressionCodecs[type as keyof typeof CompressionCodecs] = () => ({
      compress: (encoder: { buffer: Buffer }) => compress(encoder.buffer),
      decompress: (bytes: Buffer) => decompress(bytes, READING_LIMITS.batchBytes),
    });
  }
}

async function inflate(
  run: (bytes: Buffer, options: zlib.ZstdOptions & zlib.ZlibOptions) => Promise<Buffer>,
  bytes: Buffer,
  maxBytes: number,
): Promise<Buffer> {
  try {
    return await run(bytes, { chunkSize: chunkSizeFor(bytes), maxOutputLength: maxBytes });
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') {
      throw new TooLargeError(maxBytes, 'bytes');
    }
    throw error;
  }
}

/** Zstd compresses OTLP to about a tenth (measured: 1/9.5), similar spans even more. */
const RATIO = 16;
const MIN_CHUNK = 16 * 1024;
const MAX_CHUNK = 1024 ** 2;

/**
 * Node passes each chunk of output from its thread pool to the event loop. The default of 16 KiB cost a
 * consumer an eighth of its CPU time; one chunk per batch is cheapest.
 */
function chunkSizeFor({ length }: Buffer): number {
  return Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, length * RATIO));
}
