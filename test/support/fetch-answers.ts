import type { IHeaders } from 'kafkajs';
import kafkajsRecord from 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
import { RecordBatch } from 'kafkajs/src/protocol/recordBatch/v0/index.js';

export interface TestRecord {
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: IHeaders;
  readonly timestampDelta?: number;
}

export interface TestBatch {
  readonly compression?: number;
  readonly firstOffset?: number;
  readonly records: readonly TestRecord[];
  readonly transactional?: boolean;
}

export const BATCH_TIME = Date.UTC(2026, 10, 22, 12);

/** A record batch as a broker keeps it, made by kafkajs; its codecs have to be registered. */
export async function batchOf({ records, firstOffset = 0, ...rest }: TestBatch): Promise<Buffer> {
  const { buffer } = await RecordBatch({
    ...rest,
    firstOffset,
    firstTimestamp: BATCH_TIME,
    maxTimestamp: BATCH_TIME + 5_000,
    producerId: 77,
    lastOffsetDelta: records.length - 1,
    records: records.map(({ key = null, value = null, headers = {}, timestampDelta = 0 }, offsetDelta) =>
      kafkajsRecord({ offsetDelta, timestampDelta, key, value, headers }),
    ),
  });
  return buffer;
}

const int = (bytes: number, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, Math.max(0, bytes - 6), Math.min(6, bytes));
  if (bytes === 8 && value < 0) buffer.fill(0xff, 0, 2);
  return buffer;
};

/** What a broker answers to a fetch of one topic, in version 4 or 11, with the sets of its partitions from 0 on. */
export function fetchAnswer(sets: readonly (Buffer | null)[], version: 4 | 11 = 11): Buffer {
  const partitions = sets.flatMap((set, partition) => [
    int(4, partition),
    int(2, 0),
    int(8, 1_000 + partition),
    int(8, 900),
    ...(version === 11 ? [int(8, 0)] : []),
    ...[int(4, 1), int(8, 5), int(8, 3)],
    ...(version === 11 ? [int(4, -1)] : []),
    ...(set === null ? [int(4, -1)] : [int(4, set.length), set]),
  ]);
  const topic = Buffer.from('spans');
  return Buffer.concat([
    int(4, 25),
    ...(version === 11 ? [int(2, 0), int(4, 0)] : []),
    ...[int(4, 1), int(2, topic.length), topic, int(4, sets.length)],
    ...partitions,
  ]);
}
