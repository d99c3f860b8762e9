import { setTimeout as delay } from 'node:timers/promises';
import { OriginscopeError } from '../../core/errors.ts';

export interface GroupCommitLimits {
  /** How long the first request of an insert waits for company. */
  readonly lingerMillis: number;
  /** An insert takes requests up to these; a single request may be larger. */
  readonly maxInsertRows: number;
  readonly maxInsertBytes: number;
  /** What may wait or be in flight at once; beyond it requests are refused. */
  readonly maxPendingRows: number;
  readonly maxPendingBytes: number;
  /** Waits between tries of an insert that a retry can help; after the last one its requests fail. */
  readonly retryMillis: readonly number[];
}

/** Where a group goes: rows into ClickHouse, messages into Kafka. */
export interface Destination<Row> {
  /** As errors name it. */
  readonly name: string;
  /** Inserts at once; one can be rendered while the other is under way. */
  readonly mostInFlight: number;
  insert(rows: readonly Row[]): Promise<void>;
  /** About the bytes that a row takes in memory and in the insert. */
  bytesOf(row: Row): number;
  /** Whether an insert failed for what is in it, so that trying again cannot help. */
  isRefusal(error: unknown): boolean;
  /** Of other errors, whether another try in a moment can help; default: of all. */
  mayPass?(error: unknown): boolean;
}

/** What became of the rows; every row that was offered is in exactly one of the first four. */
export interface GroupCommitCounters {
  written: number;
  /** The destination does not take them, however often they are sent. */
  refused: number;
  /** Given back to the sender, who sends them again. */
  failed: number;
  /** Turned away at the door, because too much was pending. */
  overloaded: number;
  inserts: number;
  retries: number;
}

export interface GroupCommit<Row> {
  /**
   * Resolves when the rows are inserted.
   *
   * @throws OriginscopeError `OVERLOADED`, `WRITE_FAILED`, `ROW_REFUSED`, `WRITER_CLOSED`
   */
  add(rows: readonly Row[]): Promise<void>;
  /** Inserts what is pending, then takes no more. */
  close(): Promise<void>;
}

interface Request<Row> {
  readonly rows: readonly Row[];
  readonly bytes: number;
  resolve(): void;
  reject(error: OriginscopeError): void;
}

/**
 * Group commit: requests that arrive together share one insert, and each is answered for its own rows. An
 * insert that is refused is halved until only the request at fault fails.
 */
export function createGroupCommit<Row>(
  destination: Destination<Row>,
  limits: GroupCommitLimits,
  counters: GroupCommitCounters,
): GroupCommit<Row> {
  const { name, mostInFlight, isRefusal, mayPass = () => true } = destination;
  const queue: Request<Row>[] = [];
  let queuedRows = 0;
  let pendingRows = 0;
  let pendingBytes = 0;
  let inFlight = 0;
  let lingering: NodeJS.Timeout | undefined;
  let lingered = false;
  let closed = false;
  let drained: (() => void) | undefined;

  function add(rows: readonly Row[]): Promise<void> {
    if (closed) return Promise.reject(new OriginscopeError('WRITER_CLOSED', { destination: name }));
    const bytes = rows.reduce((sum, row) => sum + destination.bytesOf(row), 0);
    const full =
      pendingRows + rows.length > limits.maxPendingRows || pendingBytes + bytes > limits.maxPendingBytes;
    // A request that is larger than the bound is taken when nothing else is pending.
    if (full && pendingRows > 0) {
      counters.overloaded += rows.length;
      return Promise.reject(
        new OriginscopeError('OVERLOADED', {
          problem: `${pendingRows} rows are already waiting for ${name}`,
        }),
      );
    }
    pendingRows += rows.length;
    pendingBytes += bytes;
    queuedRows += rows.length;
    return new Promise((resolve, reject) => {
      queue.push({ rows, bytes, resolve, reject });
      start();
    });
  }

  function start(): void {
    while (queue.length > 0 && inFlight < mostInFlight) {
      if (queuedRows < limits.maxInsertRows && !lingered && !closed) {
        lingering ??= setTimeout(() => {
          lingered = true;
          start();
        }, limits.lingerMillis);
        return;
      }
      const group = takeGroup();
      inFlight++;
      void commit(group).then(() => {
        inFlight--;
        start();
      });
    }
    if (queue.length === 0 && inFlight === 0) drained?.();
  }

  function takeGroup(): Request<Row>[] {
    let rows = 0;
    let bytes = 0;
    let taken = 0;
    for (const request of queue) {
      rows += request.rows.length;
      bytes += request.bytes;
      if (taken > 0 && (rows > limits.maxInsertRows || bytes > limits.maxInsertBytes)) break;
      taken++;
    }
    const group = queue.splice(0, taken);
    for (const request of group) queuedRows -= request.rows.length;
    // Those who stay have waited long enough; the next to come begin anew.
    if (queue.length === 0) {
      clearTimeout(lingering);
      lingering = undefined;
      lingered = false;
    }
    return group;
  }

  /** Answers every request of the group, one way or another. */
  async function commit(group: readonly Request<Row>[]): Promise<void> {
    const rows = group.flatMap((request) => request.rows);
    try {
      await insertPatiently(rows);
      counters.written += rows.length;
      answer(group);
    } catch (cause) {
      if (!isRefusal(cause)) {
        counters.failed += rows.length;
        answer(group, new OriginscopeError('WRITE_FAILED', { destination: name, cause }));
      } else if (group.length === 1) {
        counters.refused += rows.length;
        answer(group, new OriginscopeError('ROW_REFUSED', { destination: name, cause }));
      } else {
        const half = Math.ceil(group.length / 2);
        await commit(group.slice(0, half));
        await commit(group.slice(half));
      }
    }
  }

  function answer(group: readonly Request<Row>[], error?: OriginscopeError): void {
    for (const request of group) {
      pendingRows -= request.rows.length;
      pendingBytes -= request.bytes;
      if (error === undefined) request.resolve();
      else request.reject(error);
    }
  }

  async function insertPatiently(rows: readonly Row[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        counters.inserts++;
        return await destination.insert(rows);
      } catch (cause) {
        const wait = limits.retryMillis[attempt];
        if (isRefusal(cause) || !mayPass(cause) || wait === undefined) throw cause;
        counters.retries++;
        await delay(wait);
      }
    }
  }

  async function close(): Promise<void> {
    closed = true;
    await new Promise<void>((resolve) => {
      drained = resolve;
      start();
    });
  }

  return { add, close };
}
