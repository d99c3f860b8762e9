import type { Logger } from 'pino';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { createDiskWarnings, type DiskSpace, readDisks } from '../../clickhouse/disks.ts';
import { repeat } from '../../core/repeat.ts';
import { createWriteOutcome } from './write-outcome.ts';

export interface WriteWatchOptions {
  readonly clickhouse: Pick<ClickHouse, 'reading' | 'dialect'>;
  /** The writer whose inserts are watched. */
  readonly write: (spans: readonly DecisionSpan[]) => Promise<void>;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly everyMillis?: number;
  /** Whether failing inserts are logged elsewhere. */
  readonly callerLogsFailures?: boolean;
}

/** Whether ClickHouse accepts rows, and how much space it has. */
export interface WriteWatch {
  /** For the writer's options of the same names. */
  inserted(): void;
  failed(spans: readonly DecisionSpan[], error: unknown): void;
  /** Why rows cannot be written now, in sentences; empty while they can. */
  missing(): Promise<readonly string[]>;
  readonly isFailing: boolean;
  /** As of the last check; undefined while ClickHouse does not respond. */
  readonly disks: readonly DiskSpace[] | undefined;
  stop(): Promise<void>;
}

const EVERY_MILLIS = 5_000;

/** Tracks the outcome of inserts and checks the disks periodically. */
export function startWriteWatch(options: WriteWatchOptions): WriteWatch {
  const { clickhouse, write, log, now, everyMillis = EVERY_MILLIS } = options;
  const outcome = createWriteOutcome({
    now,
    log: options.callerLogsFailures === true ? undefined : log,
  });
  const warnings = createDiskWarnings(log);
  const stopping = new AbortController();
  let disks: readonly DiskSpace[] | undefined;

  async function look(): Promise<void> {
    disks = await readDisks(clickhouse.reading, clickhouse.dialect).catch(() => undefined);
    if (disks !== undefined) warnings.seen(disks);
  }

  async function missing(): Promise<readonly string[]> {
    const { success } = await clickhouse.reading.ping({ select: true });
    if (!success) return ['ClickHouse does not answer'];
    const sentence = outcome.sentence(disks ?? []);
    return sentence === undefined ? [] : [sentence];
  }

  const watching = Promise.all([
    repeat(look, everyMillis, stopping.signal, () => undefined),
    repeat(
      () => outcome.tryAgain(write),
      everyMillis,
      stopping.signal,
      () => undefined,
    ),
  ]);
  return {
    inserted: outcome.inserted,
    failed: outcome.failed,
    missing,
    get isFailing() {
      return outcome.isFailing;
    },
    get disks() {
      return disks;
    },
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
