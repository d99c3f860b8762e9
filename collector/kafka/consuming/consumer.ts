import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Logger } from 'pino';
import { repeat } from '../../../core/repeat.ts';
import type { Delivered } from '../client/delivered.ts';
import type { Positions } from '../client/positions.ts';
import { batchHandler } from './batch-handler.ts';
import type { ConsumerCounters } from './consumer-counters.ts';
import { createGate } from './gate.ts';
import { createLossWatch } from './loss-watch.ts';
import { createMembership } from './membership.ts';

export interface ConsumerOptions {
  /** A client of its own: kafkajs shares the offsets of a group among the consumers of one client. */
  readonly kafka: Kafka;
  readonly topic: string;
  readonly group: string;
  readonly positions: Positions;
  /** After which a silent consumer loses its partitions. */
  readonly sessionTimeoutMillis: number;
  /** See BatchHandlerOptions. */
  readonly take: (delivered: Delivered, signal: AbortSignal) => Promise<void>;
  readonly counters: ConsumerCounters;
  readonly log: Logger;
  /** How long what is in hand is waited for at the end, or when partitions have to be given up. */
  readonly graceMillis?: number;
  /** Before the group is joined anew after an error that kafkajs does not go on from. */
  readonly restartMillis?: number;
}

export interface RunningConsumer {
  /** The partitions of this consumer. */
  readonly assigned: ReadonlySet<number>;
  /** Whether it is a member of its group that brokers have heard of lately. */
  isMember(): boolean;
  /** Commits what is in hand, if that is soon kept, leaves the group, and disconnects. */
  stop(): Promise<void>;
}

const MIB = 1024 ** 2;

/** Of the bodies in hand at once; their spans take about as much again. */
const IN_HAND_BYTES = 32 * MIB;

const OBSERVE_MILLIS = 10_000;

/**
 * Joins the group and gives every message to `take`, until it is stopped: brokers may go away and come back,
 * and what kafkajs gives up is begun anew.
 *
 * @throws the error of kafkajs when no broker can be spoken to at the start
 */
export async function startConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const { kafka, topic, group, positions, sessionTimeoutMillis, counters, log } = options;
  const { graceMillis = 5_000, restartMillis = 5_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const heartbeatMillis = Math.min(3_000, sessionTimeoutMillis / 3);
  const losses = createLossWatch({ positions, counters, log });
  const handle = batchHandler({
    take: options.take,
    gate: createGate(IN_HAND_BYTES),
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
      log.error({ err: error }, 'the consumer ended by an error; it joins its group anew');
      await consumer.disconnect().catch(() => undefined);
      await delay(restartMillis, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      ({ consumer, ended } = await join().catch((cause: unknown) => ({
        consumer,
        ended: Promise.resolve(cause),
      })));
    }
    await consumer.disconnect().catch((err) => log.warn({ err }, 'the group was not left properly'));
  }

  async function measureLag(): Promise<void> {
    await losses.remember();
    const lag = await positions.lag();
    counters.lag = new Map([...lag].filter(([partition]) => membership.assigned.has(partition)));
  }
  const observing = repeat(measureLag, OBSERVE_MILLIS, signal, (err) =>
    log.warn({ err }, 'the lag cannot be asked for'),
  );

  return {
    assigned: membership.assigned,
    isMember: membership.isMember,
    async stop() {
      stopping.abort();
      await Promise.all([running, observing]);
    },
  };
}
