import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { DecisionSpan } from '../decision-span.ts';
import { OriginscopeError } from '../errors.ts';
import { isRefusal } from './refusal.ts';
import { insertBlocked, insertSpans } from './rows.ts';
import { isFrozen, needsMarks, SETTLING_MILLIS, seconds, slotOf } from './slots.ts';

export interface WriterOptions {
  /** `ClickHouse.writing`. */
  readonly client: Pick<ClickHouseClient, 'command'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly settlingMillis?: number;
  /** How long the first request of an insert waits for company. */
  readonly lingerMillis?: number;
  /** An insert takes requests up to these; a single request may be larger. */
  readonly maxInsertRows?: number;
  readonly maxInsertBytes?: number;
  /** What may wait or be in flight at once; beyond it `write` is refused. */
  readonly maxPendingRows?: number;
  readonly maxPendingBytes?: number;
  /** Waits between tries of an insert that a retry can help; after the last one the requests fail. */
  readonly retryMillis?: readonly number[];
}

/** What became of the rows; every row that `write` took is in exactly one of the first five. */
export interface WriterCounters {
  written: number;
  /** Their slot was frozen. */
  late: number;
  /** More than an hour ahead of the clock. */
  ahead: number;
  /** The engine does not take them, however often they are sent. */
  refused: number;
  /** Given back to the sender, who sends them again. */
  failed: number;
  /** Turned away at the door, because too much was pending. */
  overloaded: number;
  inserts: number;
  retries: number;
}

export interface Writer {
  /**
   * Resolves when the rows are on disk.
   *
   * @throws OriginscopeError `OVERLOADED`, `WRITE_FAILED` (retryable: the same spans may be sent again,
   * they count once), `ROW_REFUSED` (not retryable), `WRITER_CLOSED`
   */
  write(spans: readonly DecisionSpan[]): Promise<void>;
  readonly counters: Readonly<WriterCounters>;
  /** Writes what is pending, then takes no more. */
  close(): Promise<void>;
}

interface Request {
  readonly spans: readonly DecisionSpan[];
  readonly bytes: number;
  resolve(): void;
  reject(error: OriginscopeError): void;
}

const AHEAD_MILLIS = 3_600_000;

/**
 * Group commit: requests that arrive together share one insert, one insert is in flight at a time, and each
 * request is answered when its rows are on disk.
 */
export function createWriter(options: WriterOptions): Writer {
  const {
    client,
    now,
    settlingMillis = SETTLING_MILLIS,
    lingerMillis = 50,
    maxInsertRows = 20_000,
    maxInsertBytes = 16 * 1024 ** 2,
    maxPendingRows = 100_000,
    maxPendingBytes = 64 * 1024 ** 2,
    retryMillis = [100, 500, 2_000, 5_000],
  } = options;
  const counters: WriterCounters = {
    written: 0,
    late: 0,
    ahead: 0,
    refused: 0,
    failed: 0,
    overloaded: 0,
    inserts: 0,
    retries: 0,
  };
  /** Slots that this process has marked while they were open. */
  const marked = new Set<number>();
  const queue: Request[] = [];
  let queuedRows = 0;
  let pendingRows = 0;
  let pendingBytes = 0;
  let closed = false;
  let working: Promise<void> | undefined;
  let hurry: (() => void) | undefined;

  function write(spans: readonly DecisionSpan[]): Promise<void> {
    if (closed) return Promise.reject(writerClosed());
    const inTime = spans.filter((span) => accept(span, now()));
    if (inTime.length === 0) return Promise.resolve();
    const bytes = inTime.reduce((sum, span) => sum + sizeOf(span), 0);
    // A request that is larger than the bound is taken when nothing else is pending.
    const full = pendingRows + inTime.length > maxPendingRows || pendingBytes + bytes > maxPendingBytes;
    if (full && pendingRows > 0) {
      counters.overloaded += inTime.length;
      return Promise.reject(overloaded(pendingRows));
    }
    pendingRows += inTime.length;
    pendingBytes += bytes;
    queuedRows += inTime.length;
    const done = new Promise<void>((resolve, reject) => {
      queue.push({ spans: inTime, bytes, resolve, reject });
    }).finally(() => {
      pendingRows -= inTime.length;
      pendingBytes -= bytes;
    });
    if (queuedRows >= maxInsertRows) hurry?.();
    working ??= work().finally(() => {
      working = undefined;
    });
    return done;
  }

  function accept(span: DecisionSpan, at: number): boolean {
    if (isFrozen(slotOf(span.time), at)) counters.late++;
    else if (span.time > at + AHEAD_MILLIS) counters.ahead++;
    else return true;
    return false;
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      if (queuedRows < maxInsertRows && !closed) await linger();
      await commit(takeGroup());
    }
  }

  function linger(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, lingerMillis);
      hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function takeGroup(): Request[] {
    let rows = 0;
    let bytes = 0;
    let taken = 0;
    for (const request of queue) {
      if (
        taken > 0 &&
        (rows + request.spans.length > maxInsertRows || bytes + request.bytes > maxInsertBytes)
      )
        break;
      rows += request.spans.length;
      bytes += request.bytes;
      taken++;
    }
    queuedRows -= rows;
    return queue.splice(0, taken);
  }

  /** Inserts the group; when the engine refuses it, its halves, down to the request that is refused. */
  async function commit(group: Request[]): Promise<void> {
    const spans = group.flatMap((request) => request.spans);
    try {
      await insertPatiently(spans);
      counters.written += spans.length;
      for (const request of group) request.resolve();
    } catch (cause) {
      if (!isRefusal(cause)) {
        counters.failed += spans.length;
        for (const request of group) request.reject(writeFailed(cause));
      } else if (group.length === 1) {
        counters.refused += spans.length;
        for (const request of group) request.reject(rowRefused(cause));
      } else {
        const half = Math.ceil(group.length / 2);
        await commit(group.slice(0, half));
        await commit(group.slice(half));
      }
    }
  }

  async function insertPatiently(spans: readonly DecisionSpan[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await insert(spans);
      } catch (cause) {
        const wait = retryMillis[attempt];
        if (isRefusal(cause) || wait === undefined) throw cause;
        counters.retries++;
        await delay(wait);
      }
    }
  }

  /**
   * A slot's mark says: rows came. The first insert of this process marks it before, so that the publisher
   * knows the slot. An insert into a slot that may be published already marks it before (a crash in between
   * must not hide the rows) and after (the publisher may have run in between).
   */
  async function insert(spans: readonly DecisionSpan[]): Promise<void> {
    const slots = [...new Set(spans.map((span) => slotOf(span.time)))];
    await mark(slots.filter((slot) => !marked.has(slot) || needsMarks(slot, now(), settlingMillis)));
    counters.inserts++;
    await client.command({ query: insertSpans(spans) });
    // A row that is no decision any more has to replace the blocked one that an older rule set made.
    const blocked = spans.filter((span) => span.verdict === 'blocked' || span.decisions === 0);
    if (blocked.length > 0) await client.command({ query: insertBlocked(blocked) });
    await mark(slots.filter((slot) => needsMarks(slot, now(), settlingMillis)));
  }

  async function mark(slots: readonly number[]): Promise<void> {
    if (slots.length === 0) return;
    // The engine's clock, which publications are timed by as well.
    await client.command({
      query: `INSERT INTO slot_marks
        SELECT toDateTime(arrayJoin({slots:Array(UInt32)}), 'UTC'), now64(6, 'UTC')`,
      query_params: { slots: slots.map(seconds) },
    });
    for (const slot of slots) marked.add(slot);
    for (const slot of marked) if (isFrozen(slot, now())) marked.delete(slot);
  }

  async function close(): Promise<void> {
    closed = true;
    hurry?.();
    await working;
  }

  return { write, counters, close };
}

/** About the bytes that a span takes in memory and in the insert. */
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

function overloaded(pendingRows: number): OriginscopeError {
  return new OriginscopeError('OVERLOADED', `The writer has ${pendingRows} rows pending already`, {
    retryable: true,
    remedy: 'Send the same spans again in a second.',
  });
}

function writeFailed(cause: unknown): OriginscopeError {
  return new OriginscopeError('WRITE_FAILED', 'ClickHouse did not take the insert', {
    cause,
    retryable: true,
    remedy: 'Send the same spans again; if it goes on, look at the cause: disk, memory, connection.',
  });
}

function rowRefused(cause: unknown): OriginscopeError {
  return new OriginscopeError('ROW_REFUSED', 'ClickHouse refuses rows of this request', {
    cause,
    remedy: 'Sending them again cannot help; the cause names the column.',
  });
}

function writerClosed(): OriginscopeError {
  return new OriginscopeError('WRITER_CLOSED', 'The writer is shutting down', {
    retryable: true,
    remedy: 'Send the same spans again when the collector is up.',
  });
}
