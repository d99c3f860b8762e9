const MIB = 1024 ** 2;

/** Limits on what is read from a topic at once, regardless of compression. */
export interface ReadingLimits {
  /** Decompressed bytes of a batch. */
  readonly batchBytes: number;
  /** Records of a batch, and their headers. */
  readonly batchEntries: number;
  /**
   * Decompressed bytes of all messages of one fetch, plus `entryBytes` per entry; the next fetch continues
   * after it.
   */
  readonly fetchBytes: number;
  /** Memory overhead of an entry: measured about 300 bytes for a record. */
  readonly entryBytes: number;
  /** Bytes decompressed in vain during one fetch: this costs time without heartbeats. */
  readonly wastedBytes: number;
}

/**
 * Our own batches have at most 16 MiB, the largest body that a receiver accepts, plus the envelope; those
 * of other producers are limited to 1 MiB before compression by default. A message with a single decision
 * span has 680 bytes, so such a large batch has fewer than 30,000 of them.
 */
export const READING_LIMITS: ReadingLimits = {
  batchBytes: 17 * MIB,
  batchEntries: 50_000,
  fetchBytes: 32 * MIB,
  entryBytes: 512,
  wastedBytes: 128 * MIB,
};
