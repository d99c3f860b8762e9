import type { IHeaders } from 'kafkajs';
import { ByteReader } from './byte-reader.ts';
import { TooLargeError } from './too-large-error.ts';

/*
 * Record batches, the format since Kafka 0.11: https://kafka.apache.org/documentation/#recordbatch
 *
 *   baseOffset int64, batchLength int32, partitionLeaderEpoch int32, magic int8, crc int32, attributes int16,
 *   lastOffsetDelta int32, baseTimestamp int64, maxTimestamp int64, producerId int64, producerEpoch int16,
 *   baseSequence int32, records [int32 count, then each]: compressed together if the attributes say so
 */

/** A message in the form of kafkajs; times and offsets are decimal. */
export interface FetchedMessage {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  /** Whether the timestamp was set by the broker instead of the producer. */
  readonly isBrokerTime: boolean;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
  readonly isControlRecord: boolean;
  /** Used by kafkajs to detect messages of aborted transactions. */
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface BatchHeader {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly codec: number;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** Whether all records have the broker's time, which is `maxTimestamp`. */
  readonly isLogAppendTime: boolean;
  readonly isControlBatch: boolean;
  readonly inTransaction: boolean;
  readonly producerId: bigint;
  readonly recordCount: number;
  /** Compressed, if `codec` is not 0. */
  readonly records: Buffer;
}

const CODEC = 0b0000_0111;
const LOG_APPEND_TIME = 0b0000_1000;
const TRANSACTIONAL = 0b0001_0000;
const CONTROL = 0b0010_0000;

/** @param batch the complete batch @throws RangeError when it is too short */
export function readBatchHeader(batch: Buffer): BatchHeader {
  const reader = new ByteReader(batch);
  const firstOffset = reader.int64();
  reader.bytes(4 + 4 + 1 + 4);
  const attributes = reader.int16();
  const lastOffset = firstOffset + BigInt(reader.int32());
  const firstTimestamp = reader.int64();
  const maxTimestamp = reader.int64();
  const producerId = reader.int64();
  reader.bytes(2 + 4);
  return {
    firstOffset,
    lastOffset,
    codec: attributes & CODEC,
    firstTimestamp,
    maxTimestamp,
    isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    isControlBatch: (attributes & CONTROL) !== 0,
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
    producerId,
    recordCount: reader.int32(),
    records: reader.rest(),
  };
}

/** Messages, and the number of their entries (records and headers). */
export interface ReadMessages {
  readonly messages: FetchedMessage[];
  readonly entries: number;
}

/**
 * Parses decompressed records; keys and values are views of them.
 *
 * @throws TooLargeError; RangeError when they do not match the header
 */
export function readRecords(header: BatchHeader, records: Buffer, maxEntries: number): ReadMessages {
  if (header.recordCount < 0) throw new RangeError(`a batch has ${header.recordCount} records`);
  const batchContext = { producerId: String(header.producerId), inTransaction: header.inTransaction };
  const maxTimestamp = String(header.maxTimestamp);
  const reader = new ByteReader(records);
  const messages: FetchedMessage[] = [];
  let entries = 0;

  function countEntries(more: number): void {
    if (more < 0) throw new RangeError(`a record has ${more} headers`);
    entries += more;
    if (entries > maxEntries) throw new TooLargeError(maxEntries, 'records and headers');
  }

  function readHeaders(record: ByteReader): IHeaders {
    const count = record.varint();
    if (count === 0) return {};
    countEntries(count);
    const found = new Map<string, Buffer | Buffer[]>();
    for (let n = 0; n < count; n++) {
      const name = record.varintBytes()?.toString() ?? '';
      const value = record.varintBytes() as Buffer;
      const before = found.get(name);
      if (Array.isArray(before)) before.push(value);
      else found.set(name, before === undefined ? value : [before, value]);
    }
    return Object.fromEntries(found);
  }

  for (let n = 0; n < header.recordCount; n++) {
    countEntries(1);
    const record = new ByteReader(reader.bytes(reader.varint()));
    const attributes = record.int8();
    const timestampDelta = BigInt(record.varlong());
    messages.push({
      magicByte: 2,
      attributes,
      timestamp: header.isLogAppendTime ? maxTimestamp : String(header.firstTimestamp + timestampDelta),
      isBrokerTime: header.isLogAppendTime,
      offset: String(header.firstOffset + BigInt(record.varint())),
      key: record.varintBytes(),
      value: record.varintBytes(),
      headers: readHeaders(record),
      isControlRecord: header.isControlBatch,
      batchContext,
    });
  }
  if (reader.left > 0) throw new RangeError('there are more records than the batch declares');
  return { messages, entries };
}
