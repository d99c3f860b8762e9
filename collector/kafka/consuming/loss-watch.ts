import type { Batch } from 'kafkajs';
import type { Logger } from 'pino';
import type { Positions } from '../client/positions.ts';
import type { ConsumerCounters } from './consumer-counters.ts';

/**
 * Detects messages that retention deleted before they were read. kafkajs silently continues after such a
 * gap and overwrites the group's offset, so the committed offsets are recorded here before the group is
 * joined.
 */
export interface LossWatch {
  /**
   * Records the committed offsets of the group. Call it before the group is joined, and every few seconds.
   */
  remember(): Promise<void>;
  /** Call it when partitions were assigned. */
  joined(): void;
  /** Call it with every batch before it is handled. */
  check(batch: Batch): Promise<void>;
}

export interface LossWatchOptions {
  readonly positions: Pick<Positions, 'committed' | 'begins'>;
  readonly counters: Pick<ConsumerCounters, 'lost'>;
  readonly log: Logger;
}

export function createLossWatch({ positions, counters, log }: LossWatchOptions): LossWatch {
  let remembered: ReadonlyMap<number, number> = new Map();
  /** The next offset of each partition that was handled since the group was joined. */
  let next: Promise<Map<number, number>> = Promise.resolve(new Map());

  async function remember(): Promise<void> {
    remembered = new Map([...remembered, ...(await positions.committed())]);
  }

  return {
    remember,
    joined() {
      next = remember()
        // On failure the recorded offsets are slightly old: that may report a false loss, but never hide
        // one.
        .catch(() => undefined)
        .then(() => new Map(remembered));
    },
    async check(batch) {
      const { topic, partition } = batch;
      const handled = await next;
      const wanted = handled.get(partition);
      const first = Number(batch.firstOffset());
      handled.set(partition, Number(batch.lastOffset()) + 1);
      if (wanted === undefined || first <= wanted) return;
      // Control records leave gaps, too.
      const begin = (await positions.begins()).get(partition) ?? 0;
      const lost = Math.min(begin, first) - wanted;
      if (lost <= 0) return;
      counters.lost += lost;
      log.error(
        { topic, partition, from: wanted, lost },
        'messages were deleted before they were read: the topic keeps them for less time than they waited',
      );
    },
  };
}
