import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { type Dialect, singleServer } from '../clickhouse/dialect.ts';
import { keptSince, RETENTION, type Retention } from '../clickhouse/retention.ts';
import { OPEN_MILLIS, SETTLING_MILLIS, SLOT_MILLIS, seconds } from '../clickhouse/slots.ts';
import { dropPublishedDays, removeSuperseded } from './housekeeping.ts';
import { publishHour, type SlotRun } from './publish-hour.ts';
import { type Publication, publishSlots } from './publish-slots.ts';
import { isDirty, RUN_START, type Run } from './run.ts';

export interface PublisherOptions {
  /** `ClickHouse.publishing`. */
  readonly client: ClickHouseClient;
  /** `ClickHouse.dialect`; default: of one server. */
  readonly dialect?: Dialect;
  /** Epoch milliseconds. */
  readonly now: () => number;
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
  /**
   * Slots (starts, epoch milliseconds) that were due, and would have shrunk: what is left of their raw spans
   * is not all of them.
   */
  readonly left: ReadonlyMap<number, unknown>;
  /** For an import, which publishes frozen slots in the same way. */
  readonly publication: Publication;
}

/** Reading such a slot again soon shows the same, and costs as much as publishing it. */
const RETRY_SHRUNK_MILLIS = 300_000;

/**
 * Sums what has settled, so that readers do not. Any number of publishers may run at once: each works under
 * run numbers of its own, and readers take the newest one that is marked.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const {
    client,
    dialect = singleServer,
    now,
    settlingMillis = SETTLING_MILLIS,
    republishMillis = 60_000,
    readerGraceMillis = 1_000,
    retention = RETENTION,
    hasArrived = () => Promise.resolve(true),
  } = options;
  /** With the time at which each is tried again. */
  const left = new Map<number, number>();
  const publication: Publication = {
    client,
    dialect,
    pause: () => (readerGraceMillis > 0 ? delay(readerGraceMillis) : Promise.resolve()),
  };

  async function tick(signal?: AbortSignal): Promise<Published> {
    const slots: number[] = [];
    const all = await dueSlots();
    for (const slot of left.keys()) if (!all.includes(slot)) left.delete(slot);
    for (const due of byHour(all.filter((slot) => (left.get(slot) ?? 0) <= now()))) {
      if (signal?.aborted) break;
      const marked = await publishSlots(publication, { table: 'decision_spans' }, due);
      slots.push(...marked);
      for (const slot of due) {
        if (marked.includes(slot)) left.delete(slot);
        else left.set(slot, now() + RETRY_SHRUNK_MILLIS);
      }
    }
    const hours: number[] = [];
    for (const { hour, made } of await dueHours()) {
      if (signal?.aborted) break;
      await publishHour(publication, hour, made);
      hours.push(hour);
    }
    return { slots, hours };
  }

  /** Closed slots without a run, or marked since their newest run began. */
  async function dueSlots(): Promise<number[]> {
    const result = await client.query({
      query: `SELECT toUnixTimestamp(slot) AS slot
        FROM (SELECT slot, max(marked_at) AS marked FROM slot_marks GROUP BY slot) AS marks
        LEFT JOIN (SELECT slot, max(run) AS run FROM published_slots GROUP BY slot) AS published USING (slot)
        WHERE slot <= toDateTime({closed:UInt32}, 'UTC') AND slot > toDateTime({kept:UInt32}, 'UTC')
          AND (run = 0 OR ${isDirty(dialect)}
            AND ${RUN_START} <= now64(6, 'UTC') - toIntervalMillisecond({republish:UInt32}))
        ORDER BY slot`,
      query_params: {
        closed: seconds(now() - SLOT_MILLIS - settlingMillis),
        kept: seconds(keptSince(retention, now())),
        republish: republishMillis,
      },
      format: 'JSONEachRow',
    });
    return (await result.json<{ slot: number }>()).map(({ slot }) => slot * 1000);
  }

  /**
   * Closed hours whose slots are all published, and not the ones that the hour was made of. Only while
   * all their minutes are kept: an hour must not shrink when they go.
   */
  async function dueHours(): Promise<{ hour: number; made: SlotRun[] }[]> {
    const result = await client.query({
      query: `SELECT toUnixTimestamp(hour) AS hour,
          arrayMap(made -> toUnixTimestamp(made.1), slot_runs) AS slots, arrayMap(made -> toString(made.2), slot_runs) AS runs
        FROM (
          SELECT toStartOfHour(slot) AS hour, arraySort(groupArray((slot, run))) AS slot_runs FROM slots GROUP BY hour
        ) AS current
        LEFT JOIN (
          SELECT hour, max(run) AS newest, argMax(slot_runs, run) AS made_of FROM published_hours GROUP BY hour
        ) AS published USING (hour)
        WHERE hour <= toDateTime({closed:UInt32}, 'UTC') AND hour > toDateTime({kept:UInt32}, 'UTC')
          AND NOT arrayExists(made -> made.2 = 0, slot_runs) AND slot_runs != made_of
          AND fromUnixTimestamp64Micro(toInt64(intDiv(newest, 1024)), 'UTC')
            <= now64(6, 'UTC') - toIntervalMillisecond({republish:UInt32})
        ORDER BY hour`,
      query_params: {
        closed: seconds(now() - 3_600_000 - settlingMillis),
        kept: seconds(keptSince(retention, now())),
        republish: republishMillis,
      },
      format: 'JSONEachRow',
    });
    return (await result.json<{ hour: number; slots: number[]; runs: Run[] }>()).map(
      ({ hour, slots, runs }) => ({
        hour: hour * 1000,
        made: runs.map((run, index) => ({ slot: (slots[index] ?? 0) * 1000, run })),
      }),
    );
  }

  async function clean(): Promise<void> {
    const ended = startOfDay(now() - retention.rawHours * 3_600_000);
    // What is sent so long after a day may still belong to it.
    if (await hasArrived(ended + OPEN_MILLIS)) await dropPublishedDays(client, dialect, ended);
    await removeSuperseded(client, dialect);
  }

  return { tick, clean, left, publication };
}

/** In UTC, as the days of raw spans are cut. */
function startOfDay(time: number): number {
  return Math.floor(time / 86_400_000) * 86_400_000;
}

/** What was left behind while nobody published goes an hour at a time: fewer runs, bounded memory. */
function byHour(slots: readonly number[]): number[][] {
  return [...Map.groupBy(slots, (slot) => Math.floor(slot / 3_600_000)).values()];
}
