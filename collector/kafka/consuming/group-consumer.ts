import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { createByteBudget } from '../../../core/byte-budget.ts';
import { createOutageLog } from '../../../core/outage-log.ts';
import { repeat } from '../../../core/repeat.ts';
import type { Delivered } from '../client/delivered.ts';
import type { Positions } from '../client/positions.ts';
import { batchHandler } from './batch-handler.ts';
import type { ConsumerCounters } from './consumer-counters.ts';
import { createLossWatch } from './loss-watch.ts';
import { createMembership } from './membership.ts';

export interface ConsumerOptions {
  /** A separate client: kafkajs shares the offsets of a group among the consumers of one client. */
  readonly kafka: Kafka;
  readonly topic: string;
  readonly group: string;
  readonly positions: Positions;
  /** Session timeout after which an unresponsive consumer loses its partitions. */
  readonly sessionTimeoutMillis: number;
  /** See BatchHandlerOptions. */
  readonly take: (delivered: Delivered, signal: AbortSignal) => Promise<void>;
  readonly counters: ConsumerCounters;
  readonly log: Logger;
  /** How long to wait for messages in progress at shutdown, or when partitions are revoked. */
  readonly graceMillis?: number;
  /** Delay before the group is joined again after an error that kafkajs does not recover from. */
  readonly restartMillis?: number;
}

export interface RunningConsumer {
  /** Partitions assigned to this consumer. */
  readonly assigned: ReadonlySet<number>;
  /** Whether it is a member of its group, by the last heartbeat or fetch. */
  isMember(): boolean;
  /** Commits messages in progress that are stored in time, leaves the group, and disconnects. */
  stop(): Promise<void>;
}

const MIB = 1024 ** 2;

/** Bodies in progress at once; their decoded spans take about as much again. */
const IN_HAND_BYTES = 32 * MIB;

const OBSERVE_MILLIS = 10_000;

/**
 * Joins the group and passes every message to `take` until it is stopped. It survives outages of brokers, and
 * joins again after errors that kafkajs does not recover from.
 *
 * @throws the error of kafkajs when no broker is reachable at the start
 */
export async function startGroupConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const { kafka, topic, group, positions, sessionTimeoutMillis, counters, log } = options;
  const { graceMillis = 5_000, restartMillis = 5_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const heartbeatMillis = Math.min(3_000, sessionTimeoutMillis / 3);
  const losses = createLossWatch({ positions, counters, log });
  const handle = batchHandler({
    take: options.take,
    budget: createByteBudget(IN_HAND_BYTES, 'in hand'),
    counters,
    stopping: signal,
    heartbeatMillis: heartbeatMillis / 2,
    graceMillis,
  });
  const membership = createMembership({
    kafka,
    topic,
    group,
    sessionTimeoutMillis,
    heartbeatMillis,
    async eachBatch(payload) {
      await losses.check(payload.batch);
      await handle(payload);
    },
    joined: losses.joined,
    counters,
    stopping: signal,
  });

  async function join() {
    await losses.remember();
    return membership.join();
  }

  const consuming = createOutageLog({
    messages: {
      failing: 'the consumer failed; joining the group again',
      recovered: 'the consumer is a member of its group again',
    },
    log,
    now: Date.now,
  });
  const observation = createOutageLog({
    messages: { failing: 'the lag cannot be determined', recovered: 'the lag is known again' },
    log,
    now: Date.now,
  });
  let { consumer, ended } = await join();
  const running = rejoinUntilStopped();

  async function rejoinUntilStopped(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const error = await Promise.race([stopped, ended]);
      if (signal.aborted) break;
      counters.restarts++;
      consuming.failed(error);
      await consumer.disconnect().catch(() => undefined);
      await delay(restartMillis, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      ({ consumer, ended } = await join().catch((cause: unknown) => ({
        consumer,
        ended: Promise.resolve(cause),
      })));
    }
    await consumer.disconnect().catch((err) => log.warn({ err }, 'leaving the group failed'));
  }

  async function measureLag(): Promise<void> {
    if (membership.isMember()) consuming.succeeded();
    await losses.remember();
    const lag = await positions.lag();
    counters.lag = new Map([...lag].filter(([partition]) => membership.assigned.has(partition)));
    observation.succeeded();
  }
  const observing = repeat(measureLag, OBSERVE_MILLIS, signal, observation.failed);

  return {
    assigned: membership.assigned,
    isMember: membership.isMember,
    async stop() {
      stopping.abort();
      await Promise.all([running, observing]);
    },
  };
}
