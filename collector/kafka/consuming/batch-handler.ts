import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EachBatchHandler, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { ByteBudget } from '../../../core/byte-budget.ts';
import type { Delivered } from '../client/delivered.ts';
import { keepUp } from '../client/keep-up.ts';
import { unreadableBatchOf } from '../client/unreadable-batch.ts';
import type { ConsumerCounters } from './consumer-counters.ts';

export interface BatchHandlerOptions {
  /**
   * Resolves once the message is durably stored, as rows or as a dead letter, however long that takes. Rejects when
   * `signal` aborts.
   */
  readonly take: (delivered: Delivered, signal: AbortSignal) => Promise<void>;
  /** Bytes of the bodies in hand, of all partitions. */
  readonly budget: ByteBudget;
  readonly counters: ConsumerCounters;
  /** Aborts when the consumer is to end. */
  readonly stopping: AbortSignal;
  readonly heartbeatMillis: number;
  /** How long what is in hand is waited for when the partition has to be given up. */
  readonly graceMillis: number;
}

const COMMIT_MILLIS = 5_000;

/**
 * Keeps the messages of a batch and commits their offsets, both in order: an offset is committed only after
 * all messages before it are kept. Heartbeats go out meanwhile, for hours if need be. When the group
 * rebalances, or the consumer is to end, no more messages are taken, and those in hand have a little time to be
 * committed; what is not, is delivered again.
 */
export function batchHandler(options: BatchHandlerOptions): EachBatchHandler {
  const { take, budget, counters, stopping, heartbeatMillis, graceMillis } = options;

  async function commit({ uncommittedOffsets, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    const offsets = uncommittedOffsets();
    if (offsets.topics.length === 0) return;
    try {
      await commitOffsetsIfNecessary(offsets);
    } catch (error) {
      counters.commitFailures++;
      throw error;
    }
  }

  return async (payload) => {
    const { batch, isRunning, isStale, resolveOffset } = payload;
    const abandon = new AbortController();
    let committed = performance.now();
    const membership = keepUp(heartbeatMillis, async () => {
      await payload.heartbeat();
      if (performance.now() - committed < COMMIT_MILLIS) return;
      committed = performance.now();
      await commit(payload);
    });
    // Each message that waits listens to it.
    setMaxListeners(0, abandon.signal);
    const isEnding = () => stopping.aborted || membership.signal.aborted;
    const stopWaiting = [stopping, membership.signal].map((signal) =>
      after(signal, graceMillis, () => abandon.abort(signal.reason)),
    );

    let kept = Promise.resolve();
    const takeAll = async (): Promise<void> => {
      for (const message of batch.messages) {
        const release = await budget.acquire(bytesInHand(message), { signal: abandon.signal });
        if (!isRunning() || isStale() || isEnding()) {
          release();
          break;
        }
        const delivered = { topic: batch.topic, partition: batch.partition, message };
        const taken = take(delivered, abandon.signal).finally(release);
        kept = Promise.all([kept, taken]).then(() => {
          if (!isStale()) resolveOffset(message.offset);
        });
        kept.catch((error) => abandon.abort(error));
        // Inserts under way and heartbeats have their turn between two messages.
        await nextTurn();
      }
      await kept;
    };
    const failure = await takeAll().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    membership.stop();
    for (const stop of stopWaiting) stop();
    await commit(payload);
    membership.signal.throwIfAborted();
    if (failure !== undefined && !stopping.aborted) throw failure.error;
  };
}

/** What a message takes while it is in hand beside its body, however small that is. */
const IN_HAND_LEAST_BYTES = 4 * 1024;

function bytesInHand(message: KafkaMessage): number {
  const { length } = unreadableBatchOf(message)?.bytes ?? message.value ?? [];
  return IN_HAND_LEAST_BYTES + length;
}

/** Calls back so long after the signal aborts, unless that is taken back. */
function after(signal: AbortSignal, millis: number, call: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(call, millis);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  };
}
