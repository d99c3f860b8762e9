import type { RecordBatchEntry } from 'kafkajs';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeRecordBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';

/**
 * The records in bytes of a broker's log, decompressed and taken apart as kafkajs does it with what a broker
 * answers to a fetch.
 */
export async function recordsOf(log: Buffer): Promise<RecordBatchEntry[]> {
  const decoder = new Decoder(log);
  const records: RecordBatchEntry[] = [];
  while (decoder.offset < log.length) records.push(...(await decodeRecordBatch(decoder)).records);
  return records;
}
