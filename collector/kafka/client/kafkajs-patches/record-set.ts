import { messageOf, OriginscopeError } from '../../../../core/errors.ts';
import { placeholderFor, type UnreadableBatch } from '../unreadable-batch.ts';
import { ByteReader } from './byte-reader.ts';
import { codecName, decompress } from './codecs.ts';
import { asFetched, readInnerMessages, readLegacyMessage } from './legacy-message.ts';
import type { ReadingLimits } from './reading-limits.ts';
import { type FetchedMessage, type ReadMessages, readBatchHeader, readRecords } from './record-batch.ts';
import { TooLargeError } from './too-large-error.ts';

/** An offset and a length precede each batch. */
const PREFIX_BYTES = 12;
/** The offset of the magic byte in a batch, the same in both formats. */
const MAGIC_AT = 16;
const MIN_BYTES = MAGIC_AT + 2;

/** The remaining budget of a fetch. */
export interface FetchBudget {
  bytes: number;
  wastedBytes: number;
  /** The first batch is always read, so that a fetch makes progress. */
  isBegun: boolean;
}

export function fetchBudget({ fetchBytes, wastedBytes }: ReadingLimits): FetchBudget {
  return { bytes: fetchBytes, wastedBytes, isBegun: false };
}

const isSpent = ({ isBegun, bytes, wastedBytes }: FetchBudget): boolean =>
  isBegun && (bytes <= 0 || wastedBytes <= 0);

/**
 * Reads the messages of one partition in a fetch response, up to the remaining budget; the next fetch
 * returns the rest. A batch that exceeds the limits or is unreadable becomes one placeholder message
 * (unreadable-batch.ts), so that the consumer continues after it.
 *
 * @throws RangeError when the response is not a sequence of batches
 */
export async function readRecordSet(
  set: Buffer,
  limits: ReadingLimits,
  budget: FetchBudget,
): Promise<FetchedMessage[]> {
  const messages: FetchedMessage[] = [];
  for (let at = 0; set.length - at >= MIN_BYTES && !isSpent(budget); ) {
    const end = at + PREFIX_BYTES + set.readInt32BE(at + PREFIX_BYTES - 4);
    if (end < at + MIN_BYTES) throw new RangeError('a broker sent a batch with an invalid length');
    // The last batch may be truncated by the size limit of a fetch.
    if (end > set.length) break;
    budget.isBegun = true;
    for (const message of await readOrReplace(set.subarray(at, end), limits, budget)) messages.push(message);
    at = end;
  }
  return messages;
}

async function readOrReplace(
  batch: Buffer,
  limits: ReadingLimits,
  budget: FetchBudget,
): Promise<readonly FetchedMessage[]> {
  const found = spanOf(batch);
  const read = { bytes: 0 };
  try {
    const { messages, entries } = await (found.magic === 2 ? readBatch : readLegacy)(batch, limits, read);
    budget.bytes -= read.bytes + entries * limits.entryBytes;
    // Compaction may leave an empty batch: kafkajs continues after a control record, but not after nothing.
    return messages.length > 0 ? messages : [placeholder(found, { isControlRecord: true })];
  } catch (cause) {
    budget.bytes -= batch.length + limits.entryBytes;
    // Upper bound of what was decompressed before the limit.
    budget.wastedBytes -= read.bytes;
    const { firstOffset, lastOffset } = found;
    return [
      placeholderFor(
        { ...unreadable(batch, found, cause), firstOffset, lastOffset, bytes: batch },
        placeholder(found),
      ),
    ];
  }
}

/** @param read receives the number of bytes that were decompressed or attempted */
async function readBatch(
  batch: Buffer,
  { batchBytes, batchEntries }: ReadingLimits,
  read: { bytes: number },
): Promise<ReadMessages> {
  const header = readBatchHeader(batch);
  // Checked again while reading; this avoids decompressing them.
  if (header.recordCount > batchEntries) throw new TooLargeError(batchEntries, 'records and headers');
  return readRecords(
    header,
    await decompressed(header.codec, header.records, batchBytes, read),
    batchEntries,
  );
}

async function readLegacy(
  batch: Buffer,
  { batchBytes, batchEntries }: ReadingLimits,
  read: { bytes: number },
): Promise<ReadMessages> {
  const message = readLegacyMessage(new ByteReader(batch));
  const value = await decompressed(message.codec, message.value ?? Buffer.alloc(0), batchBytes, read);
  if (message.codec !== 0) return readInnerMessages(message, value, batchEntries);
  return { messages: [asFetched(message)], entries: 1 };
}

async function decompressed(
  codec: number,
  bytes: Buffer,
  maxBytes: number,
  read: { bytes: number },
): Promise<Buffer> {
  if (codec === 0) {
    read.bytes = bytes.length;
    if (bytes.length > maxBytes) throw new TooLargeError(maxBytes, 'bytes');
    return bytes;
  }
  read.bytes = maxBytes;
  const output = await decompress(codec, bytes, maxBytes);
  read.bytes = output.length;
  return output;
}

interface Span {
  readonly magic: number;
  readonly codec: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: bigint;
  readonly producer: { readonly producerId: string; readonly inTransaction: boolean };
}

/** The offsets of a batch, as far as readable. */
function spanOf(batch: Buffer): Span {
  const magic = batch.readInt8(MAGIC_AT);
  const firstOffset = Number(batch.readBigInt64BE(0));
  const unknown = {
    magic,
    codec: batch.readInt8(MAGIC_AT + 1) & 0b111,
    firstOffset,
    lastOffset: firstOffset,
    timestamp: -1n,
    producer: { producerId: '-1', inTransaction: false },
  };
  if (magic !== 2) return unknown;
  try {
    const { codec, lastOffset, maxTimestamp, producerId, inTransaction } = readBatchHeader(batch);
    return {
      magic,
      codec,
      firstOffset,
      lastOffset: Math.max(firstOffset, Number(lastOffset)),
      timestamp: maxTimestamp,
      producer: { producerId: String(producerId), inTransaction },
    };
  } catch {
    return unknown;
  }
}

/** A placeholder message at the end of the batch. */
function placeholder(
  { magic, lastOffset, timestamp, producer }: Span,
  { isControlRecord = false } = {},
): FetchedMessage {
  return {
    magicByte: magic,
    attributes: 0,
    timestamp: String(timestamp),
    isBrokerTime: false,
    offset: String(lastOffset),
    key: null,
    value: null,
    headers: {},
    isControlRecord,
    batchContext: producer,
  };
}

function unreadable(
  bytes: Buffer,
  { codec }: Span,
  cause: unknown,
): Pick<UnreadableBatch, 'reason' | 'error'> {
  const batch = `A batch of ${bytes.length.toLocaleString('en')} bytes (${codecName(codec) ?? `codec ${codec}`})`;
  const details = { batch, problem: messageOf(cause), cause };
  return cause instanceof TooLargeError
    ? { reason: 'BATCH_TOO_LARGE', error: new OriginscopeError('BATCH_TOO_LARGE', details) }
    : { reason: 'BATCH_MALFORMED', error: new OriginscopeError('BATCH_MALFORMED', details) };
}
