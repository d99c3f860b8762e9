import fetchProtocol from 'kafkajs/src/protocol/requests/fetch/index.js';
import { ByteReader } from './byte-reader.ts';
import { READING_LIMITS, type ReadingLimits } from './reading-limits.ts';
import type { FetchedMessage } from './record-batch.ts';
import { fetchBudget, readRecordSet } from './record-set.ts';

/*
 * Answers to fetches, https://kafka.apache.org/protocol#The_Messages_Fetch: versions 0 to 11, which kafkajs speaks.
 *
 *   throttle_time_ms int32 (1+), error_code int16 and session_id int32 (7+),
 *   responses [topic string, partitions [
 *     partition int32, error_code int16, high_watermark int64, last_stable_offset int64 (4+),
 *     log_start_offset int64 (5+), aborted_transactions [producer_id int64, first_offset int64] (4+),
 *     preferred_read_replica int32 (11+), records bytes]]
 */

/** As kafkajs wants it; offsets are decimal. */
export interface FetchResponse {
  readonly throttleTime: number;
  readonly clientSideThrottleTime?: number;
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly PartitionData[];
  }[];
}

interface PartitionData {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly preferredReadReplica?: number;
  messages: readonly FetchedMessage[];
}

/**
 * kafkajs 2.2.4 decompresses whatever a fetch brings, without a limit, keeps it all at once, and fails the whole fetch
 * for one batch that cannot be read, which the next fetch brings again. Here answers are read within limits, and
 * such a batch is passed over and told (unreadable-batch.ts). For every consumer of this process.
 */
export function boundFetches(): void {
  let turn = 0;
  for (const version of fetchProtocol.versions) {
    const { response } = fetchProtocol.protocol({ version })({ topics: [] });
    response.decode = (answer) => decodeFetchResponse(answer, Number(version), READING_LIMITS, turn++);
  }
}

/**
 * @param turn counts fetches: each begins with another partition, so that none that is full keeps others waiting
 * @throws RangeError when it is no such answer
 */
export async function decodeFetchResponse(
  answer: Buffer,
  version: number,
  limits: ReadingLimits,
  turn = 0,
): Promise<FetchResponse> {
  const reader = new ByteReader(answer);
  const throttleTime = version >= 1 ? reader.int32() : 0;
  if (version >= 7) reader.bytes(2 + 4);
  const recordSets: { readonly partition: PartitionData; readonly records: Buffer }[] = [];
  const responses = readArray(reader, () => ({
    topicName: reader.bytes(reader.int16()).toString(),
    partitions: readArray(reader, () => {
      const partition = readPartition(reader, version);
      recordSets.push({ partition, records: reader.nullableBytes() ?? Buffer.alloc(0) });
      return partition;
    }),
  }));

  const budget = fetchBudget(limits);
  const first = recordSets.length === 0 ? 0 : turn % recordSets.length;
  for (const { partition, records } of [...recordSets.slice(first), ...recordSets.slice(0, first)]) {
    partition.messages = await readRecordSet(records, limits, budget);
  }
  // From version 8 on the client is to wait, else the broker has.
  return version >= 8
    ? { throttleTime: 0, clientSideThrottleTime: throttleTime, responses }
    : { throttleTime, responses };
}

function readPartition(reader: ByteReader, version: number): PartitionData {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = String(reader.int64());
  if (version >= 4) reader.int64();
  if (version >= 5) reader.int64();
  const abortedTransactions =
    version < 4
      ? []
      : readArray(reader, () => ({
          producerId: String(reader.int64()),
          firstOffset: String(reader.int64()),
        }));
  return {
    partition,
    errorCode,
    highWatermark,
    abortedTransactions,
    ...(version >= 11 && { preferredReadReplica: reader.int32() }),
    messages: [],
  };
}

function readArray<Element>(reader: ByteReader, read: () => Element): Element[] {
  return Array.from({ length: Math.max(0, reader.int32()) }, read);
}
