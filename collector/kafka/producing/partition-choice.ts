export interface PartitionChoice {
  /** Sets the number of partitions, which can grow. */
  setCount(partitions: number): void;
  /** Acquires the next free partition in turn; waits while there is none. */
  acquire(): Promise<number>;
  /** @param worked whether sending succeeded; if not, the partition is avoided for a while */
  release(partition: number, worked: boolean): void;
}

/** About the time a cluster needs to detect a failed broker and to elect new leaders. */
const AVOIDED_MILLIS = 10_000;

/**
 * Chooses the partition for a batch: round-robin, with one batch per partition at a time. A failed
 * partition is avoided while there are others, because its leader is probably down.
 *
 * @param now returns epoch milliseconds
 */
export function createPartitionChoice(now: () => number): PartitionChoice {
  let count = 1;
  let turn = 0;
  const taken = new Set<number>();
  const avoidedUntil = new Map<number, number>();
  const waiting: (() => void)[] = [];

  function next(isEligible: (partition: number) => boolean): number | undefined {
    for (let step = 0; step < count; step++) {
      const partition = (turn + step) % count;
      if (taken.has(partition) || !isEligible(partition)) continue;
      turn = partition + 1;
      return partition;
    }
    return undefined;
  }

  return {
    setCount(partitions) {
      count = Math.max(1, partitions);
    },
    async acquire() {
      for (;;) {
        const partition = next((each) => (avoidedUntil.get(each) ?? 0) <= now()) ?? next(() => true);
        if (partition !== undefined) {
          taken.add(partition);
          return partition;
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    release(partition, worked) {
      taken.delete(partition);
      if (worked) avoidedUntil.delete(partition);
      else avoidedUntil.set(partition, now() + AVOIDED_MILLIS);
      waiting.shift()?.();
    },
  };
}
