import { once } from 'node:events';
import { connect } from 'node:net';
import type { CompressionTypes } from 'kafkajs';
import { CompressionCodecs } from 'kafkajs';
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';

/*
 * Batches that no producer's library would make, or not in reasonable time, and a produce request (version 7,
 * https://kafka.apache.org/protocol#The_Messages_Produce) that takes them to a broker.
 */

/** A record with this number of empty headers of one name, and a value of zeros. */
export interface RawRecord {
  readonly valueBytes?: number;
  readonly headers?: number;
}

const HEADER_BYTES = 61;

/** Its codec has to be registered. */
export async function rawBatch(
  compression: Exclude<CompressionTypes, CompressionTypes.None>,
  records: readonly RawRecord[],
): Promise<Buffer> {
  const plain = Buffer.concat(records.flatMap(rawRecord));
  const compressed: Buffer = await CompressionCodecs[compression]().compress({ buffer: plain });
  const batch = Buffer.concat([Buffer.alloc(HEADER_BYTES), compressed]);
  const now = BigInt(Date.now());
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(compression, 21);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(now, 27);
  batch.writeBigInt64BE(now, 35);
  // No producer id, epoch and sequence.
  batch.fill(0xff, 43, 57);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32C(batch.subarray(21)), 17);
  return batch;
}

function rawRecord({ valueBytes = 0, headers = 0 }: RawRecord, offsetDelta: number): Buffer[] {
  const before = Buffer.concat([
    Buffer.from([0, 0]),
    varint(offsetDelta),
    // No key.
    varint(-1),
    varint(valueBytes),
  ]);
  const after = Buffer.concat([varint(headers), Buffer.alloc(2 * headers)]);
  return [varint(before.length + valueBytes + after.length), before, Buffer.alloc(valueBytes), after];
}

/** In zigzag. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** @throws Error when the broker rejects it */
export async function produceRaw(
  broker: string,
  { topic, partition, batch }: { readonly topic: string; readonly partition: number; readonly batch: Buffer },
): Promise<void> {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(40 + name.length);
  const request = Buffer.concat([head, batch]);
  head.writeInt32BE(request.length - 4, 0);
  // Produce, version 7; correlation 0; no client's name, no transaction; all replicas, within 10 s.
  head.writeInt16BE(0, 4);
  head.writeInt16BE(7, 6);
  head.writeInt16BE(-1, 12);
  head.writeInt16BE(-1, 14);
  head.writeInt16BE(-1, 16);
  head.writeInt32BE(10_000, 18);
  head.writeInt32BE(1, 22);
  let at = 26;
  at = head.writeInt16BE(name.length, at);
  at += name.copy(head, at);
  at = head.writeInt32BE(1, at);
  at = head.writeInt32BE(partition, at);
  head.writeInt32BE(batch.length, at);
  head.copy(request);

  const [host, port] = broker.split(':');
  const socket = connect(Number(port), host);
  try {
    socket.write(request);
    // Size, correlation, one topic and its name, one partition and its number, then its error.
    const errorAt = 4 + 4 + 4 + 2 + name.length + 4 + 4;
    let answer = Buffer.alloc(0);
    while (answer.length < errorAt + 2) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      answer = Buffer.concat([answer, chunk]);
    }
    const error = answer.readInt16BE(errorAt);
    if (error !== 0) throw new Error(`the broker refuses the batch: error ${error}`);
  } finally {
    socket.destroy();
  }
}
