import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import snappy from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { codeOf } from '../../../../core/errors.ts';
import { lz4FrameSize } from './lz4-frame-size.ts';
import { READING_LIMITS } from './reading-limits.ts';
import { decompressSnappy } from './snappy-blocks.ts';
import { TooLargeError } from './too-large-error.ts';

// Node finds only some of the names that kafkajs exports.
const { CompressionCodecs, CompressionTypes } = kafkajs;
const zstdCompress = promisify(zlib.zstdCompress);
const zstdDecompress = promisify(zlib.zstdDecompress);
const gzip = promisify(zlib.gzip);
const unzip = promisify(zlib.unzip);

interface Codec {
  readonly name: string;
  compress(bytes: Buffer): Promise<Buffer>;
  /** @throws TooLargeError; other errors when it is not of this format */
  decompress(bytes: Buffer, maxBytes: number): Promise<Buffer>;
}

/** By the number that a batch's attributes have. */
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
      compress: (bytes) => zstdCompress(bytes),
      decompress: (bytes, maxBytes) => inflate(zstdDecompress, bytes, maxBytes),
    },
  ],
]);

/** Undefined for a number that Kafka has not given to a codec; 0 is no compression. */
export function codecName(type: number): string | undefined {
  return type === CompressionTypes.None ? 'none' : CODECS.get(type)?.name;
}

/**
 * @param type as in a batch's attributes
 * @param maxBytes how many bytes may come out
 * @throws TooLargeError; other errors when the bytes are not what the codec makes
 */
export async function decompress(type: number, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  const codec = CODECS.get(type);
  if (codec === undefined) throw new RangeError(`unknown compression codec ${type}`);
  return codec.decompress(bytes, maxBytes);
}

/**
 * Lets kafkajs compress with every codec: it brings gzip alone, and producers, an OpenTelemetry Collector among
 * them, use all four. What it reads is decompressed in fetch-response.ts.
 */
export function registerCodecs(): void {
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

/** Zstd makes about a tenth of OTLP (measured: 1/9.5), less where spans are alike. */
const RATIO = 16;
const LEAST_CHUNK = 16 * 1024;
const MOST_CHUNK = 1024 ** 2;

/**
 * Node hands each chunk of output from its thread pool to the event loop. Its default of 16 KiB cost a consumer
 * an eighth of its processor time; one for most batches is the cheapest.
 */
function chunkSizeFor({ length }: Buffer): number {
  return Math.min(MOST_CHUNK, Math.max(LEAST_CHUNK, length * RATIO));
}
