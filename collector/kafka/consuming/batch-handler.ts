import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EachBatchHandler, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { ByteBudget } from '../../../core/byte-budget.ts';
import type { Delivered } from '../client/delivered.ts';
import { heartbeatLoop } from '../client/heartbeat-loop.ts';
import { unreadableBatchOf } from '../client/unreadable-batch.ts';
import type { ConsumerCounters } from './consumer-counters.ts';

export interface BatchHandlerOptions {
  /**
   * Resolves once the message is durably stored, as rows or as a dead letter, however long that takes. Rejects when
   * `signal` aborts.
   */
  readonly take: (delivered: Delivered, signal: AbortSignal) => Promise<void>;
  /** Limits the bytes of messages in flight, over all partitions. */
  readonly budget: ByteBudget;
  readonly counters: ConsumerCounters;
  /** Aborts when the consumer is stopping. */
  readonly stopping: AbortSignal;
  readonly heartbeatMillis: number;
  /** How long messages in flight may take when the partition is revoked. */
  readonly graceMillis: number;
}

const COMMIT_MILLIS = 5_000;

/**
 * Stores the messages of a batch and commits their offsets in order: an offset is committed only after all
 * earlier messages are stored. Heartbeats are sent meanwhile, for hours if necessary. When the group
 * rebalances or the consumer stops, no more messages are accepted, and those in flight have a short time to
 * be committed; the others are delivered again.
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
    const heartbeat = heartbeatLoop(heartbeatMillis, async () => {
      await payload.heartbeat();
      if (performance.now() - committed < COMMIT_MILLIS) return;
      committed = performance.now();
      await commit(payload);
    });
    // Every pending message listens to it.
    setMaxListeners(0, abandon.signal);
    const isEnding = () => stopping.aborted || heartbeat.signal.aborted;
    const stopWaiting = [stopping, heartbeat.signal].map((signal) =>
      after(signal, graceMillis, () => abandon.abort(signal.reason)),
    );

    let kept = Promise.resolve();
    const storeAll = async (): Promise<void> => {
      for (const message of batch.messages) {
        const release = await budget.acquire(bytesInFlight(message), { signal: abandon.signal });
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
        // Yields to running inserts and heartbeats between two messages.
        await nextTurn();
      }
      await kept;
    };
    const failure = await storeAll().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    heartbeat.stop();
    for (const stop of stopWaiting) stop();
    await commit(payload);
    heartbeat.signal.throwIfAborted();
    if (failure !== undefined && !stopping.aborted) throw failure.error;
  };
}

/** Memory overhead of a message in flight, in addition to its body. */
const MESSAGE_OVERHEAD_BYTES = 4 * 1024;

function bytesInFlight(message: KafkaMessage): number {
  const { length } = unreadableBatchOf(message)?.bytes ?? message.value ?? [];
  return MESSAGE_OVERHEAD_BYTES + length;
}

/** Calls back some time after the signal aborts, unless cancelled. */
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
