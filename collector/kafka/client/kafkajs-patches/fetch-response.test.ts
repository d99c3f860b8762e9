import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import MessageSet from 'kafkajs/src/protocol/messageSet/index.js';
import { decode as decodeAsKafkajs } from 'kafkajs/src/protocol/requests/fetch/v11/response.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { BATCH_TIME, batchOf, fetchAnswer, type TestRecord } from '../../../../test/support/fetch-answers.ts';
import { unreadableBatchOf } from '../unreadable-batch.ts';
import { codecName, registerCodecs } from './codecs.ts';
import { decodeFetchResponse } from './fetch-response.ts';
import { READING_LIMITS, type ReadingLimits } from './reading-limits.ts';
import type { FetchedMessage } from './record-batch.ts';

const CODECS = [0, 1, 2, 3, 4];
const MIB = 1024 ** 2;
const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/collector-messages');
const text = (record: { readonly value: Buffer | null }): string | undefined => record.value?.toString();

beforeAll(registerCodecs);

/** The messages of each partition. */
async function read(
  sets: readonly (Buffer | null)[],
  limits: Partial<ReadingLimits> = {},
  turn = 0,
): Promise<readonly (readonly FetchedMessage[])[]> {
  const response = await decodeFetchResponse(fetchAnswer(sets), 11, { ...READING_LIMITS, ...limits }, turn);
  return response.responses[0]?.partitions.map(({ messages }) => messages) ?? [];
}

async function readOne(set: Buffer, limits: Partial<ReadingLimits> = {}): Promise<readonly FetchedMessage[]> {
  return (await read([set], limits))[0] ?? [];
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((found) => Buffer.from(found));
const records: fc.Arbitrary<TestRecord[]> = fc.array(
  fc.record({
    key: fc.option(bytes),
    value: fc.option(bytes),
    // kafkajs confuses headers with inherited object properties.
    headers: fc.dictionary(
      fc.string({ maxLength: 8 }).map((name) => `x-${name}`),
      fc.oneof(bytes, fc.array(bytes, { minLength: 2 })),
    ),
    timestampDelta: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('data within the limits is read as by kafkajs', () => {
  test('batches of any records, with every codec', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(records, fc.constantFrom(...CODECS), fc.boolean()), { maxLength: 3 }),
        async (batches) => {
          const sets: Buffer[] = [];
          let firstOffset = 2 ** 33;
          for (const [found, compression, transactional] of batches) {
            sets.push(await batchOf({ records: found, compression, firstOffset, transactional }));
            firstOffset += found.length;
          }
          const answer = fetchAnswer([Buffer.concat(sets), null]);
          const own = await decodeFetchResponse(answer, 11, READING_LIMITS);
          expect(normal(own)).toEqual(normal(await decodeAsKafkajs(answer)));
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each(
    CODECS.flatMap((codec) => ['otlp_proto', 'otlp_json'].map((encoding) => [encoding, codec] as const)),
  )('messages of a Collector: %s, codec %i', async (encoding, codec) => {
    const answer = fetchAnswer([readFileSync(join(FIXTURES, `${encoding}-${codecName(codec)}.batches`))]);
    const own = await decodeFetchResponse(answer, 11, READING_LIMITS);
    expect(normal(own)).toEqual(normal(await decodeAsKafkajs(answer)));
  });

  test('older responses have fewer fields', async () => {
    const set = await batchOf({ records: [{ value: Buffer.from('a') }] });
    expect(await decodeFetchResponse(fetchAnswer([set], 4), 4, READING_LIMITS)).toMatchObject({
      throttleTime: 25,
      responses: [
        {
          topicName: 'spans',
          partitions: [
            {
              partition: 0,
              highWatermark: '1000',
              abortedTransactions: [{ producerId: '5', firstOffset: '3' }],
              messages: [{ offset: '0' }],
            },
          ],
        },
      ],
    });
  });

  test('a batch truncated by the fetch is left for the next one', async () => {
    const batch = await batchOf({ records: [{ value: Buffer.from('a') }] });
    for (const end of [0, 5, 17, 40, batch.length - 1]) {
      const found = await readOne(Buffer.concat([batch, batch.subarray(0, end)]));
      expect(found.map(text)).toEqual(['a']);
    }
  });

  test('a batch without remaining records does not block the following ones', async () => {
    const batch = await batchOf({ firstOffset: 7, records: [{}] });
    const empty = Buffer.from(batch.subarray(0, 61));
    empty.writeInt32BE(49, 8);
    empty.writeInt32BE(0, 57);
    expect(await readOne(empty)).toMatchObject([{ offset: '7', isControlRecord: true }]);
  });
});

/** Without unused parts of kafkajs, and undefined where kafkajs has null-prototype objects. */
function normal(response: object): object {
  const dropped = new Set([
    'batchContext',
    'isBrokerTime',
    'errorCode',
    'sessionId',
    'lastStableOffset',
    'lastStartOffset',
  ]);
  return JSON.parse(JSON.stringify(response, (key, value) => (dropped.has(key) ? undefined : value)));
}

describe('a batch beyond the limits is skipped and reported', () => {
  const good = (firstOffset: number) => batchOf({ firstOffset, records: [{ value: Buffer.from('good') }] });

  async function expectRefused(bad: Buffer, lastOffset: number, error: object): Promise<void> {
    const found = await readOne(Buffer.concat([await good(9), bad, await good(lastOffset + 1)]), {
      batchBytes: MIB,
      batchEntries: 500,
    });
    expect(found.map(text)).toEqual(['good', undefined, 'good']);
    expect(found.map(({ offset }) => Number(offset))).toEqual([9, lastOffset, lastOffset + 1]);
    const [, message] = found;
    const refused = message && unreadableBatchOf(message);
    expect(refused).toMatchObject({ error, firstOffset: 10, lastOffset });
    expect(refused?.bytes.equals(bad)).toBe(true);
  }

  test.each(CODECS)('inflated bytes, codec %i', async (compression) => {
    const large = { value: Buffer.alloc(MIB / 2) };
    const bad = await batchOf({ compression, firstOffset: 10, records: [large, large] });
    await expectRefused(bad, 11, {
      code: 'BATCH_TOO_LARGE',
      message: expect.stringMatching(/^A batch of [\d,]+ bytes \(\w+\) contains more than 1,048,576 bytes$/),
    });
  });

  test("snappy in Java's framing", async () => {
    const raw = await batchOf({
      compression: 2,
      firstOffset: 10,
      records: [{ value: Buffer.alloc(MIB / 2) }],
    });
    const magic = Buffer.from('82534e41505059000000000100000001', 'hex');
    const framed = (blocks: number, block = raw.subarray(61)): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(block.length);
      const bad = Buffer.concat([
        ...[raw.subarray(0, 61), magic],
        ...Array.from({ length: blocks }, () => [length, block]).flat(),
      ]);
      bad.writeInt32BE(bad.length - 12, 8);
      return bad;
    };
    const [found] = await readOne(framed(1));
    expect(found?.value?.length).toBe(MIB / 2);
    await expectRefused(framed(3), 10, { code: 'BATCH_TOO_LARGE' });
    await expectRefused(framed(100_000, Buffer.from([0])), 10, { code: 'BATCH_TOO_LARGE' });
  });

  test('records', async () => {
    const bad = await batchOf({ compression: 4, firstOffset: 10, records: Array(501).fill({}) });
    await expectRefused(bad, 510, {
      code: 'BATCH_TOO_LARGE',
      message: expect.stringContaining('more than 500 records and headers'),
    });
  });

  test('headers', async () => {
    const headers = { x: Array(500).fill(Buffer.alloc(0)) };
    await expectRefused(await batchOf({ compression: 4, firstOffset: 10, records: [{ headers }] }), 10, {
      code: 'BATCH_TOO_LARGE',
    });
  });

  test.each([
    ['an unknown codec', (batch: Buffer) => batch.writeInt16BE(6, 21)],
    ['bytes of another codec', (batch: Buffer) => batch.writeInt16BE(3, 21)],
    ['broken compression', (batch: Buffer) => batch.fill(0xff, 61)],
    ['fewer records than declared', (batch: Buffer) => batch.writeInt32BE(7, 57)],
    ['more records than declared', (batch: Buffer) => batch.writeInt32BE(1, 57)],
    ['a negative number of records', (batch: Buffer) => batch.writeInt32BE(-1, 57)],
  ])('%s', async (_, damage) => {
    const bad = await batchOf({
      compression: 1,
      firstOffset: 10,
      records: [{}, { value: Buffer.from('x') }],
    });
    damage(bad);
    await expectRefused(bad, 11, {
      code: 'BATCH_MALFORMED',
      message: expect.stringMatching(/^A batch of \d+ bytes \(.+\) cannot be read: ./),
    });
  });

  test('damaged data neither throws nor hangs', async () => {
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.constantFrom(...CODECS),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (found, compression, edits) => {
          const batch = await batchOf({ records: found, compression, firstOffset: 10 });
          // After the length, which is needed to find a batch at all.
          for (const [position, byte] of edits) batch.writeUInt8(byte, 12 + (position % (batch.length - 12)));
          const all = await readOne(Buffer.concat([batch, await good(99)]), { batchBytes: MIB });
          expect(all.length).toBeGreaterThan(1);
          expect(all.at(-1)).toMatchObject({ offset: '99' });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a fetch ends at its limit, and the next one continues', () => {
  const values = (found: readonly (readonly FetchedMessage[])[]) => found.map((one) => one.map(text));
  const letter = (name: string) => batchOf({ records: [{ value: Buffer.from(name) }] });

  test('after its bytes, including overhead per message, but at least one batch', async () => {
    const set = Buffer.concat([await letter('a'), await letter('b'), await letter('c')]);
    const limits = { entryBytes: 100 };
    expect(values(await read([set], { ...limits, fetchBytes: 210 }))).toEqual([['a', 'b']]);
    expect(values(await read([set], { ...limits, fetchBytes: 0 }))).toEqual([['a']]);
  });

  test('with another partition first each time', async () => {
    const sets = [await letter('a'), await letter('b'), await letter('c')];
    expect(values(await read(sets, { fetchBytes: 1 }, 0))).toEqual([['a'], [], []]);
    expect(values(await read(sets, { fetchBytes: 1 }, 1))).toEqual([[], ['b'], []]);
    expect(values(await read(sets, { fetchBytes: 1 }, 5))).toEqual([[], [], ['c']]);
  });

  test('after wasted decompression', async () => {
    const bad = await batchOf({ compression: 4, records: [{ value: Buffer.alloc(2_000) }] });
    const set = Buffer.concat(Array(10).fill(bad));
    expect(await readOne(set, { batchBytes: 1_000, wastedBytes: 3_000 })).toHaveLength(3);
  });
});

describe('messages in the formats before record batches', () => {
  const entries = ['a', 'b', 'c'].map((value) => ({
    key: null,
    value: Buffer.from(value),
    timestamp: BATCH_TIME,
  }));

  /** A message that contains the others, compressed, with the offset of the last. */
  function compressed(messageVersion: 0 | 1, offset: number, inner = entries): Buffer {
    const { buffer } = MessageSet({ messageVersion, compression: 1, entries: inner });
    const value = gzipSync(buffer);
    const outer = MessageSet({
      ...{ messageVersion, compression: 0 },
      entries: [{ key: null, value, timestamp: BATCH_TIME, compression: 1 }],
    }).buffer;
    outer.writeBigInt64BE(BigInt(offset), 0);
    return outer;
  }

  test('are read, plain and compressed', async () => {
    const { buffer } = MessageSet({ messageVersion: 1, compression: 0, entries });
    expect((await readOne(buffer)).map(text)).toEqual(['a', 'b', 'c']);
    expect(await readOne(compressed(1, 42))).toMatchObject([
      { value: Buffer.from('a'), offset: '40', timestamp: String(BATCH_TIME) },
      { value: Buffer.from('b'), offset: '41' },
      { value: Buffer.from('c'), offset: '42' },
    ]);
    expect(await readOne(compressed(0, 42))).toMatchObject([
      { offset: '0' },
      { offset: '1' },
      { offset: '2' },
    ]);
  });

  test('are rejected beyond the limits', async () => {
    const large = [{ key: null, value: Buffer.alloc(5_000), timestamp: BATCH_TIME }];
    const set = Buffer.concat([compressed(1, 1, large), compressed(1, 9), compressed(1, 10)]);
    const found = await readOne(set, { batchBytes: 1_000, batchEntries: 3 });
    expect(found.map((message) => unreadableBatchOf(message)?.error.code)).toEqual([
      'BATCH_TOO_LARGE',
      ...Array(6).fill(undefined),
    ]);
    const many = await readOne(compressed(1, 9), { batchEntries: 2 });
    expect(many.map((message) => unreadableBatchOf(message)?.error.code)).toEqual(['BATCH_TOO_LARGE']);
  });
});

test('a deflated batch is read, as by kafkajs', async () => {
  const batch = await batchOf({ compression: 1, records: [{ value: Buffer.from('a') }] });
  const plain = await batchOf({ records: [{ value: Buffer.from('a') }] });
  const deflated = Buffer.concat([batch.subarray(0, 61), deflateSync(plain.subarray(61))]);
  deflated.writeInt32BE(deflated.length - 12, 8);
  expect((await readOne(deflated)).map(text)).toEqual(['a']);
});
