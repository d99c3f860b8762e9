import { createByteBudget, type Release } from '../../core/byte-budget.ts';
import { hasCode, OriginscopeError } from '../../core/errors.ts';
import { type Destination, type InsertCounters, insertGroup } from './insert-group.ts';
import { createRequestQueue, type GroupLimits } from './request-queue.ts';

export interface GroupCommitLimits extends GroupLimits {
  /** How long the first request of an insert waits for others, unless there is enough for a whole insert. */
  readonly lingerMillis: number;
  /** What may wait or be in flight at once. */
  readonly maxPendingBytes: number;
  /** How long a request waits for room in that, before it is `OVERLOADED`; 0 for not at all. */
  readonly admissionMillis: number | 'unlimited';
  /** Delays between attempts of an insert that may succeed later; after the last one its requests fail. */
  readonly retryMillis: readonly number[];
}

/**
 * What became of the rows: each is in `overloaded` or in one count of `InsertCounters`, unless its request found no
 * room before its signal aborted or the group commit closed.
 */
export interface GroupCommitCounters extends InsertCounters {
  /** Turned away, because too much was pending. */
  overloaded: number;
}

export interface GroupCommit<Row> {
  /**
   * Resolves when the rows are inserted.
   *
   * @param signal ends the wait for room
   * @throws OriginscopeError `OVERLOADED`, `WRITE_FAILED`, `ROW_REFUSED`, `WRITER_CLOSED`; the signal's reason
   */
  add(rows: readonly Row[], signal?: AbortSignal): Promise<void>;
  /** Inserts what is pending, then takes no more. */
  close(): Promise<void>;
}

/** Group commit: requests that arrive together share one insert, and each is answered for its own rows. */
export function createGroupCommit<Row>(
  destination: Destination<Row>,
  limits: GroupCommitLimits,
  counters: GroupCommitCounters,
): GroupCommit<Row> {
  const { name, mostInFlight, bytesOf } = destination;
  const pending = createByteBudget(limits.maxPendingBytes, `waiting to be written to ${name}`);
  const queue = createRequestQueue<Row>(limits);
  const closing = new AbortController();
  let inFlight = 0;
  let lingering: NodeJS.Timeout | undefined;
  let lingered = false;
  let drained: (() => void) | undefined;

  async function add(rows: readonly Row[], signal?: AbortSignal): Promise<void> {
    closing.signal.throwIfAborted();
    const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
    // Without a turn of the event loop where there is room: `close` waits for what was added before it.
    const release = pending.tryAcquire(bytes) ?? (await waitForRoom(rows, bytes, signal));
    try {
      closing.signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        queue.push({ rows, bytes, resolve, reject });
        start();
      });
    } finally {
      release();
    }
  }

  async function waitForRoom(rows: readonly Row[], bytes: number, signal?: AbortSignal): Promise<Release> {
    const signals = signal === undefined ? [closing.signal] : [closing.signal, signal];
    try {
      return await pending.acquire(bytes, {
        signal: AbortSignal.any(signals),
        ...(limits.admissionMillis !== 'unlimited' && { deadlineMillis: limits.admissionMillis }),
      });
    } catch (error) {
      if (hasCode(error, 'OVERLOADED')) counters.overloaded += rows.length;
      throw error;
    }
  }

  function start(): void {
    while (queue.length > 0 && inFlight < mostInFlight) {
      if (!queue.hasFullGroup() && !lingered && !closing.signal.aborted) {
        lingering ??= setTimeout(() => {
          lingered = true;
          start();
        }, limits.lingerMillis);
        return;
      }
      const group = queue.takeGroup();
      // Those who stay have waited long enough; the next to come begin a new wait.
      if (queue.length === 0) stopLingering();
      inFlight++;
      void insertGroup(group, destination, limits.retryMillis, counters).then(() => {
        inFlight--;
        start();
      });
    }
    if (queue.length === 0 && inFlight === 0) drained?.();
  }

  function stopLingering(): void {
    clearTimeout(lingering);
    lingering = undefined;
    lingered = false;
  }

  async function close(): Promise<void> {
    closing.abort(new OriginscopeError('WRITER_CLOSED', { destination: name }));
    await new Promise<void>((resolve) => {
      drained = resolve;
      start();
    });
  }

  return { add, close };
}
