import { ByteReader } from './byte-reader.ts';
import type { FetchedMessage, ReadMessages } from './record-batch.ts';
import { TooLargeError } from './too-large-error.ts';

/*
 * Messages as brokers before 0.11 kept them, which a log may still have:
 * https://kafka.apache.org/documentation/#messageset
 *
 *   offset int64, messageSize int32, crc int32, magic int8, attributes int8, timestamp int64 (magic 1 alone),
 *   key bytes, value bytes
 *
 * Compressed ones are the value of another, which has the offset of the last of them.
 */

export interface LegacyMessage {
  readonly offset: bigint;
  readonly magic: number;
  readonly codec: number;
  readonly isLogAppendTime: boolean;
  /** −1 before magic 1. */
  readonly timestamp: bigint;
  readonly key: Buffer | null;
  /** Compressed messages, if `codec` is not 0. */
  readonly value: Buffer | null;
}

const CODEC = 0b0000_0111;
const LOG_APPEND_TIME = 0b0000_1000;

/** @throws RangeError when it is not one */
export function readLegacyMessage(reader: ByteReader): LegacyMessage {
  const offset = reader.int64();
  const message = new ByteReader(reader.bytes(reader.int32()));
  message.bytes(4);
  const magic = message.int8();
  if (magic !== 0 && magic !== 1) throw new RangeError(`unknown message format ${magic}`);
  const attributes = message.int8();
  return {
    offset,
    magic,
    codec: attributes & CODEC,
    isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    timestamp: magic === 0 ? -1n : message.int64(),
    key: message.nullableBytes(),
    value: message.nullableBytes(),
  };
}

/**
 * The messages that were compressed together as the value of another.
 *
 * @throws TooLargeError; RangeError when they are not what they should be
 */
export function readInnerMessages(
  outer: LegacyMessage,
  decompressed: Buffer,
  maxEntries: number,
): ReadMessages {
  const reader = new ByteReader(decompressed);
  const inner: LegacyMessage[] = [];
  while (reader.left > 0) {
    if (inner.length >= maxEntries) throw new TooLargeError(maxEntries, 'messages');
    inner.push(readLegacyMessage(reader));
  }
  // From magic 1 on they are counted from 0.
  const shift = outer.magic === 0 ? 0n : outer.offset - (inner.at(-1)?.offset ?? 0n);
  const messages = inner.map((message) =>
    asFetched({
      ...message,
      offset: message.offset + shift,
      timestamp: outer.isLogAppendTime ? outer.timestamp : message.timestamp,
      isLogAppendTime: outer.isLogAppendTime,
    }),
  );
  return { messages, entries: messages.length };
}

const NO_TRANSACTION = { producerId: '-1', inTransaction: false };

export function asFetched({
  offset,
  magic,
  timestamp,
  isLogAppendTime,
  key,
  value,
}: LegacyMessage): FetchedMessage {
  return {
    magicByte: magic,
    attributes: 0,
    timestamp: String(timestamp),
    isBrokerTime: isLogAppendTime,
    offset: String(offset),
    key,
    value,
    headers: {},
    isControlRecord: false,
    batchContext: NO_TRANSACTION,
  };
}
