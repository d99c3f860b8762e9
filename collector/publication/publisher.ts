import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { type Dialect, singleServer } from '../../clickhouse/dialect.ts';
import { keptSince, RETENTION, type Retention } from '../../clickhouse/retention.ts';
import { isOfEngine } from '../../clickhouse/trouble.ts';
import { OPEN_MILLIS, SETTLING_MILLIS, SLOT_MILLIS, seconds } from '../../core/slots.ts';
import { printableMessage } from '../../core/text.ts';
import { removeSuperseded, retireDays } from './housekeeping.ts';
import { byHour, publishEach } from './publish-each.ts';
import { publishHour, type SlotRun } from './publish-hour.ts';
import type { Publication } from './publish-slots.ts';
import type { Run } from './run.ts';

export interface PublisherOptions {
  /** `ClickHouse.publishing`. */
  readonly client: ClickHouseClient;
  /** `ClickHouse.dialect`; default: of one server. */
  readonly dialect?: Dialect;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set; default: of this process. */
  readonly elapsed?: () => number;
  readonly settlingMillis?: number;
  /** A slot that goes on getting late spans is published again at most this often. */
  readonly republishMillis?: number;
  /** Between the rows of a run and its marker, for readers whose query was planned in between. */
  readonly readerGraceMillis?: number;
  readonly retention?: Retention;
  /**
   * Whether all that was sent before a time (epoch milliseconds) has been written: where spans wait in a
   * queue, raw days are kept for those that still belong to them. Default: there is no queue.
   */
  readonly hasArrived?: (before: number) => Promise<boolean>;
}

export interface Published {
  /** Starts, epoch milliseconds. */
  readonly slots: readonly number[];
  readonly hours: readonly number[];
}

export interface Publisher {
  /**
   * Publishes every slot and hour that is due, oldest first. To be called every few seconds. The signal ends
   * it after the publication in hand: what is left is due again.
   */
  tick(signal?: AbortSignal): Promise<Published>;
  /** Drops raw days that are published and past their retention, and runs that nobody reads any more. To be called hourly. */
  clean(): Promise<void>;
  /** Slots (starts, epoch milliseconds) that are due and could not be published, with the reason. */
  readonly stuck: ReadonlyMap<number, string>;
  /** The same of hours. */
  readonly stuckHours: ReadonlyMap<number, string>;
  /** For an import, which publishes frozen slots in the same way. */
  readonly publication: Publication;
}

/** Reading such a slot again soon shows the same, and costs as much as publishing it. */
const RETRY_STUCK_MILLIS = 300_000;

/**
 * Sums what has settled, so that readers do not. Any number of publishers may run at once: each works under
 * run numbers of its own, and readers take the newest one that is marked.
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

  async function tick(signal?: AbortSignal): Promise<Published> {
    return { slots: await publishDueSlots(signal), hours: await publishDueHours(signal) };
  }

  async function publishDueSlots(signal: AbortSignal | undefined): Promise<number[]> {
    const due = await dueSlots();
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
    const due = await dueHours();
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
        if (!isOfEngine(error)) throw error;
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

  /** Closed slots without a run, or with writes that their newest run may not hold. */
  async function dueSlots(): Promise<number[]> {
    const result = await client.query({
      query: `SELECT toUnixTimestamp(slot) AS slot FROM slot_states
        WHERE slot <= toDateTime({closed:UInt32}, 'UTC') AND slot > toDateTime({kept:UInt32}, 'UTC')
          AND (run = 0 OR behind AND NOT sealed)
        ORDER BY slot`,
      query_params: {
        closed: seconds(now() - SLOT_MILLIS - settlingMillis),
        kept: seconds(keptSince(retention, now())),
      },
      format: 'JSONEachRow',
    });
    return (await result.json<{ slot: number }>()).map(({ slot }) => slot * 1000);
  }

  /**
   * Closed hours whose slots are all published, and not the ones that the hour was made of. Only while
   * all their minutes are kept: an hour must not shrink when they go. Before they go, an hour is made of the slots
   * that are published, or one that cannot be would take the others along.
   */
  async function dueHours(): Promise<Map<number, SlotRun[]>> {
    const result = await client.query({
      query: `SELECT toUnixTimestamp(hour) AS hour,
          arrayMap(made -> toUnixTimestamp(made.1), slot_runs) AS slots, arrayMap(made -> toString(made.2), slot_runs) AS runs
        FROM (
          SELECT toStartOfHour(slot) AS hour, arraySort(groupArrayIf((slot, run), run > 0)) AS slot_runs,
            countIf(run = 0) AS waiting
          FROM slots GROUP BY hour
        ) AS current
        LEFT JOIN (
          SELECT hour, argMax(slot_runs, run) AS made_of FROM published_hours GROUP BY hour
        ) AS published USING (hour)
        WHERE hour <= toDateTime({closed:UInt32}, 'UTC') AND hour > toDateTime({kept:UInt32}, 'UTC')
          AND (waiting = 0 OR hour < toDateTime({last_day:UInt32}, 'UTC')) AND slot_runs != [] AND slot_runs != made_of
        ORDER BY hour`,
      query_params: {
        closed: seconds(now() - 3_600_000 - settlingMillis),
        // Half a day after their slots, which all minutes outlive.
        kept: seconds(keptSince(retention, now()) - 43_200_000),
        last_day: seconds(keptSince(retention, now()) + 43_200_000),
      },
      format: 'JSONEachRow',
    });
    return new Map(
      (await result.json<{ hour: number; slots: number[]; runs: Run[] }>()).map(({ hour, slots, runs }) => [
        hour * 1000,
        runs.map((run, index) => ({ slot: (slots[index] ?? 0) * 1000, run })),
      ]),
    );
  }

  async function clean(): Promise<void> {
    const ended = startOfDay(now() - retention.rawHours * 3_600_000);
    try {
      // What is sent so long after a day may still belong to it.
      if (await hasArrived(ended + OPEN_MILLIS)) {
        await retireDays(publication, { before: ended, keptSince: keptSince(retention, now()) });
      }
    } finally {
      await removeSuperseded(publication);
    }
  }

  return { tick, clean, stuck, stuckHours, publication };
}

/** In UTC, as the days of raw spans are cut. */
function startOfDay(time: number): number {
  return Math.floor(time / 86_400_000) * 86_400_000;
}
