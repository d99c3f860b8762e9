import { randomBytes } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Inserting } from '../../clickhouse/connector.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { blamesRows, isTransient } from '../../clickhouse/engine-errors.ts';
import { insertBlocked, insertSpans } from '../../clickhouse/rows.ts';
import { isFrozen, MAX_AHEAD_MILLIS, seconds, slotOf } from '../../core/slots.ts';
import { createGroupCommit, type GroupCommitCounters, type GroupCommitLimits } from './group-commit.ts';
import { type Numbered, WriteNumbers } from './write-numbers.ts';

export interface WriterOptions extends Partial<GroupCommitLimits> {
  /** `ClickHouse.writing`. */
  readonly client: Pick<ClickHouseClient, 'command'> & Inserting;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called for every successful insert with its duration. */
  readonly inserted?: (spans: readonly DecisionSpan[], seconds: number) => void;
  /** Called for every insert that failed for another reason than its rows, before it is retried. */
  readonly failed?: (spans: readonly DecisionSpan[], error: unknown) => void;
}

/** The outcomes of the spans passed to `write`; each is in exactly one count, except inserts and retries. */
export interface WriterCounters extends GroupCommitCounters {
  /** Their slot was frozen. */
  late: number;
  /** Too far ahead of the clock. */
  ahead: number;
}

export interface Writer {
  /**
   * Resolves when the spans are on disk, except those that are too old or too far ahead, which are counted.
   *
   * @param receivedAt when the spans were received, epoch milliseconds: their times are validated against
   * it. For spans from Kafka the record's timestamp, so that queued spans are not late. Default: now.
   * @param signal ends the wait for room among what is pending
   * @throws OriginscopeError `OVERLOADED`, `WRITE_FAILED`, `WRITER_CLOSED` (retryable: the same spans may
   * be resent and count once), `ROW_REFUSED` (not retryable)
   */
  write(spans: readonly DecisionSpan[], receivedAt?: number, signal?: AbortSignal): Promise<void>;
  readonly counters: Readonly<WriterCounters>;
  /** Writes pending spans, then accepts no more. */
  close(): Promise<void>;
}

const LIMITS: GroupCommitLimits = {
  lingerMillis: 50,
  maxInsertRows: 20_000,
  maxInsertBytes: 16 * 1024 ** 2,
  maxPendingBytes: 64 * 1024 ** 2,
  admissionMillis: 0,
  retryMillis: [100, 500, 2_000, 5_000],
};

/** Writes decision spans, and blocked ones also as blocked requests, in bounded group commits. */
export function createWriter(options: WriterOptions): Writer {
  const { client, now, inserted, failed } = options;
  const counters: WriterCounters = {
    written: 0,
    refused: 0,
    failed: 0,
    overloaded: 0,
    late: 0,
    ahead: 0,
    inserts: 0,
    retries: 0,
  };
  const commits = createGroupCommit(
    {
      name: 'ClickHouse',
      mostInFlight: 2,
      insert: insertWatched,
      bytesOf: sizeOf,
      isRejection: blamesRows,
      isTransient,
    },
    { ...LIMITS, ...options },
    counters,
  );
  const writer = randomBytes(8).readBigUInt64BE();
  const numbers = new WriteNumbers();

  async function write(spans: readonly DecisionSpan[], at = now(), signal?: AbortSignal): Promise<void> {
    const latest = Math.max(at, now()) + MAX_AHEAD_MILLIS;
    const late = spans.filter((span) => isFrozen(slotOf(span.time), at)).length;
    const ahead = spans.filter((span) => span.time > latest).length;
    const taken =
      late + ahead === 0
        ? spans
        : spans.filter((span) => !isFrozen(slotOf(span.time), at) && span.time <= latest);
    if (taken.length > 0) await commits.add(taken, signal);
    // Counted when the request succeeds: otherwise its sender retries.
    counters.late += late;
    counters.ahead += ahead;
  }

  async function insertWatched(spans: readonly DecisionSpan[]): Promise<void> {
    await insert(spans).catch((error: unknown) => {
      if (!blamesRows(error)) failed?.(spans, error);
      throw error;
    });
  }

  /**
   * Every insert is numbered in each of its slots, before the rows (so that a crash in between hides none)
   * and after them. A publisher that has read a number finds all rows that were inserted before it was
   * assigned; a number greater than the one it read makes the slot due again. This does not depend on
   * clocks.
   */
  async function insert(spans: readonly DecisionSpan[]): Promise<void> {
    // A row that is not a decision any more must replace the blocked one of an older rule set.
    const requests = spans.filter((span) => span.verdict === 'blocked' || span.decisions === 0);
    // Encoded first, while another insert is in flight.
    const rows = insertSpans(spans);
    const blocked = requests.length === 0 ? undefined : insertBlocked(requests);
    const slots = [...new Set(spans.map((span) => slotOf(span.time)))];
    const start = performance.now();
    let mayHaveLeftRows = false;
    try {
      await numberWrite(numbers.begin(spans, slots));
      mayHaveLeftRows = true;
      await client.insertRows(rows);
      if (blocked !== undefined) await client.insertRows(blocked);
    } catch (error) {
      numbers.fail(spans, slots, { mayHaveLeftRows });
      throw error;
    }
    await numberWrite(numbers.end(spans, slots));
    inserted?.(spans, (performance.now() - start) / 1000);
  }

  async function numberWrite(numbered: readonly Numbered[]): Promise<void> {
    await client.command({
      query: `INSERT INTO slot_writes SELECT toDateTime(write.1, 'UTC'), {writer:UInt64}, write.2
        FROM (SELECT arrayJoin(arrayZip({slots:Array(UInt32)}, {sequences:Array(UInt64)})) AS write)`,
      query_params: {
        slots: numbered.map(([slot]) => seconds(slot)),
        sequences: numbered.map(([, sequence]) => sequence),
        writer,
      },
    });
  }

  return { write, counters, close: () => commits.close() };
}

/** Approximate bytes of a span in memory and in the insert. */
function sizeOf(span: DecisionSpan): number {
  return (
    400 +
    span.origin.length +
    span.route.length +
    span.detail.length +
    span.path.length +
    span.apiHost.length +
    span.requestHeaders.length
  );
}
