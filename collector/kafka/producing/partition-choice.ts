export interface PartitionChoice {
  /** To be told as the brokers say it; partitions can be added. */
  setCount(partitions: number): void;
  /** The next partition in turn that nobody has; waits while there is none. It has to be given back. */
  take(): Promise<number>;
  /** @param worked whether it took what was sent; if not, it is passed over for a while */
  giveBack(partition: number, worked: boolean): void;
}

/** About what a cluster needs to notice that a broker is gone, and to let others lead its partitions. */
const AVOIDED_MILLIS = 10_000;

/**
 * Whose turn it is to take a batch: all partitions in turn, each for one batch at a time. One that failed is
 * avoided while there are others: most likely its leader is gone.
 *
 * @param now epoch milliseconds
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
    async take() {
      for (;;) {
        const partition = next((each) => (avoidedUntil.get(each) ?? 0) <= now()) ?? next(() => true);
        if (partition !== undefined) {
          taken.add(partition);
          return partition;
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    giveBack(partition, worked) {
      taken.delete(partition);
      if (worked) avoidedUntil.delete(partition);
      else avoidedUntil.set(partition, now() + AVOIDED_MILLIS);
      waiting.shift()?.();
    },
  };
}
