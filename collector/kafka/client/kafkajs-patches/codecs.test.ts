import fc from 'fast-check';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { compressFrameSync } from 'lz4-napi';
import { beforeAll, describe, expect, test } from 'vitest';
import { decompress, registerCodecs } from './codecs.ts';
import { TooLargeError } from './too-large-error.ts';

const CODECS = ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const;

/** Bytes that compress well, and bytes that do not. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 2, maxLength: 400 }).map((found) => Buffer.from(found)),
      fc
        .tuple(fc.nat(255), fc.integer({ min: 2, max: 100_000 }))
        .map(([byte, length]) => Buffer.alloc(length, byte)),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts));

beforeAll(registerCodecs);

describe.each(CODECS)('%s', (name) => {
  const type = CompressionTypes[name];

  test('decompresses up to the limit, and not a byte more', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (plain) => {
        const compressed: Buffer = await CompressionCodecs[type]().compress({ buffer: plain });
        expect((await decompress(type, compressed, plain.length)).equals(plain)).toBe(true);
        await expect(decompress(type, compressed, plain.length - 1)).rejects.toBeInstanceOf(TooLargeError);
      }),
      { numRuns: 100 },
    );
  });

  test('allocates no memory for data that is too large', async () => {
    const compressed: Buffer = await CompressionCodecs[type]().compress({
      buffer: Buffer.alloc(128 * 1024 ** 2),
    });
    const before = process.resourceUsage().maxRSS;
    await expect(decompress(type, compressed, 1024 ** 2)).rejects.toBeInstanceOf(TooLargeError);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(32 * 1024);
  });
});

test('LZ4 frames are measured with any optional fields', async () => {
  const plain = Buffer.alloc(200_000, 'many blocks ');
  const compressed = compressFrameSync(plain, { blockChecksums: true, contentChecksum: true });
  expect(await decompress(CompressionTypes.LZ4, compressed, plain.length)).toHaveLength(plain.length);
  await expect(decompress(CompressionTypes.LZ4, compressed, plain.length - 1)).rejects.toThrow('199,999');
  await expect(decompress(CompressionTypes.LZ4, Buffer.alloc(30), 100)).rejects.toThrow('not an LZ4 frame');
});
