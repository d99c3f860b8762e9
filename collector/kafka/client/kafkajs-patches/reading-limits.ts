const MIB = 1024 ** 2;

/** What is read of a topic at once, however small it was made by compression. */
export interface ReadingLimits {
  /** Of a batch, decompressed. */
  readonly batchBytes: number;
  /** Records of a batch, and their headers. */
  readonly batchEntries: number;
  /** Of all messages of one fetch, decompressed and with `entryBytes` for each entry; beyond it the next fetch goes on. */
  readonly fetchBytes: number;
  /** What an entry takes in memory beside its bytes: a record took about 300 where it was measured. */
  readonly entryBytes: number;
  /** Decompressed in vain during one fetch: it costs no memory but time, in which no heartbeat goes out. */
  readonly wastedBytes: number;
}

/**
 * A batch of ours has at most 16 MiB, the largest body that a receiver takes, and the rest of its envelope; those of
 * other producers are limited by default to 1 MiB before compression. A message of a single
 * decision span has 680 bytes, so that fewer than 30,000 of them are in so large a batch.
 */
export const READING_LIMITS: ReadingLimits = {
  batchBytes: 17 * MIB,
  batchEntries: 50_000,
  fetchBytes: 32 * MIB,
  entryBytes: 512,
  wastedBytes: 128 * MIB,
};
