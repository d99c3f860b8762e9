import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { type Dialect, singleServer } from '../../clickhouse/dialect.ts';
import { isEngineError } from '../../clickhouse/engine-errors.ts';
import { keptSince, RETENTION, type Retention } from '../../clickhouse/retention.ts';
import { OPEN_MILLIS, SETTLING_MILLIS } from '../../core/slots.ts';
import { printableMessage } from '../../core/text.ts';
import { type DueAt, dueHours, dueSlots } from './due.ts';
import { removeSuperseded, retireDays } from './housekeeping.ts';
import { byHour, publishEach } from './publish-each.ts';
import { publishHour } from './publish-hour.ts';
import type { Publication } from './publish-slots.ts';

export interface PublisherOptions {
  /** `ClickHouse.publishing`. */
  readonly client: ClickHouseClient;
  /** `ClickHouse.dialect`; default: a single server. */
  readonly dialect?: Dialect;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. Default: `performance.now()`. */
  readonly elapsed?: () => number;
  readonly settlingMillis?: number;
  /** Minimum interval between publications of a slot that keeps receiving late spans. */
  readonly republishMillis?: number;
  /** Pause between the rows of a run and its marker, for queries that were planned before it. */
  readonly readerGraceMillis?: number;
  readonly retention?: Retention;
  /**
   * Whether everything sent before a time (epoch milliseconds) has been written. While spans wait in a queue,
   * the raw days they may belong to are kept. Default: there is no queue.
   */
  readonly hasArrived?: (before: number) => Promise<boolean>;
}

export interface Published {
  /** Starts of slots, epoch milliseconds. */
  readonly slots: readonly number[];
  readonly hours: readonly number[];
}

export interface Publisher {
  /**
   * Publishes every due slot and hour, oldest first. To be called every few seconds.
   *
   * @param signal stops after the current publication; the rest stays due
   */
  tick(signal?: AbortSignal): Promise<Published>;
  /** Drops raw days that are published and past their retention, and superseded runs. To be called hourly. */
  clean(): Promise<void>;
  /** Due slots (starts, epoch milliseconds) that could not be published, with the reason. */
  readonly stuck: ReadonlyMap<number, string>;
  /** Due hours that could not be published. */
  readonly stuckHours: ReadonlyMap<number, string>;
  /** For an import, which publishes frozen slots in the same way. */
  readonly publication: Publication;
}

/** Retrying sooner would fail again at the full cost of a publication. */
const RETRY_STUCK_MILLIS = 300_000;

/**
 * Aggregates settled slots once, so that readers do not have to. Any number of publishers may run concurrently:
 * each uses its own run numbers, and readers use the newest marked run.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const {
    client,
    dialect = singleServer,
    now,
    elapsed = () => performance.now(),
    settlingMillis = SETTLING_MILLIS,
    republishMillis = 60_000,
    readerGraceMillis = 1_000,
    retention = RETENTION,
    hasArrived = () => Promise.resolve(true),
  } = options;
  const stuck = new Map<number, string>();
  const stuckHours = new Map<number, string>();
  /** When a slot or an hour may be published again, by `elapsed`. */
  const waiting = { slots: new Map<number, number>(), hours: new Map<number, number>() };
  const publication: Publication = {
    client,
    dialect,
    pause: () => (readerGraceMillis > 0 ? delay(readerGraceMillis) : Promise.resolve()),
  };

  const dueAt = (): DueAt => ({ client, retention, now: now(), settlingMillis });

  async function tick(signal?: AbortSignal): Promise<Published> {
    return { slots: await publishDueSlots(signal), hours: await publishDueHours(signal) };
  }

  async function publishDueSlots(signal: AbortSignal | undefined): Promise<number[]> {
    const due = await dueSlots(dueAt());
    for (const slot of stuck.keys()) if (!due.includes(slot)) stuck.delete(slot);
    const slots: number[] = [];
    for (const group of byHour(notWaiting(due, waiting.slots))) {
      if (signal?.aborted) break;
      const { marked, failed } = await publishEach(publication, { table: 'decision_spans' }, group);
      for (const slot of marked) {
        slots.push(slot);
        stuck.delete(slot);
        waiting.slots.set(slot, elapsed() + republishMillis);
      }
      for (const [slot, reason] of failed) {
        stuck.set(slot, reason);
        waiting.slots.set(slot, elapsed() + RETRY_STUCK_MILLIS);
      }
    }
    return slots;
  }

  async function publishDueHours(signal: AbortSignal | undefined): Promise<number[]> {
    const due = await dueHours(dueAt());
    for (const hour of stuckHours.keys()) if (!due.has(hour)) stuckHours.delete(hour);
    const ready = new Set(notWaiting([...due.keys()], waiting.hours));
    const hours: number[] = [];
    for (const [hour, made] of due) {
      if (signal?.aborted) break;
      if (!ready.has(hour)) continue;
      try {
        if (!(await publishHour(publication, hour, made))) continue;
        hours.push(hour);
        waiting.hours.set(hour, elapsed() + republishMillis);
        stuckHours.delete(hour);
      } catch (error) {
        if (!isEngineError(error)) throw error;
        stuckHours.set(hour, printableMessage(error));
        waiting.hours.set(hour, elapsed() + RETRY_STUCK_MILLIS);
      }
    }
    return hours;
  }

  function notWaiting(starts: readonly number[], until: Map<number, number>): number[] {
    for (const [start, end] of until) if (end <= elapsed()) until.delete(start);
    return starts.filter((start) => !until.has(start));
  }

  async function clean(): Promise<void> {
    const ended = startOfDay(now() - retention.rawHours * 3_600_000);
    try {
      // Spans sent this long after a day may still belong to it.
      if (await hasArrived(ended + OPEN_MILLIS)) {
        await retireDays(publication, { before: ended, keptSince: keptSince(retention, now()) });
      }
    } finally {
      await removeSuperseded(publication);
    }
  }

  return { tick, clean, stuck, stuckHours, publication };
}

/** Raw spans are partitioned by UTC day. */
function startOfDay(time: number): number {
  return Math.floor(time / 86_400_000) * 86_400_000;
}
