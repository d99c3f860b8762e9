import { OriginscopeError } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import type { QueuedRequest } from './request-queue.ts';

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
  isRejection(error: unknown): boolean;
  /** Of other errors, whether another try in a moment can help; default: of all. */
  isTransient?(error: unknown): boolean;
}

/** What became of rows; each is in one of the first three. */
export interface InsertCounters {
  written: number;
  /** The destination does not accept them, however often they are sent. */
  refused: number;
  /** Given back to the sender, who sends them again. */
  failed: number;
  inserts: number;
  retries: number;
}

/**
 * Inserts the rows of all requests at once and settles every request. A group whose content is rejected is halved
 * until only the request at fault fails.
 */
export async function insertGroup<Row>(
  group: readonly QueuedRequest<Row>[],
  destination: Destination<Row>,
  retryMillis: readonly number[],
  counters: InsertCounters,
): Promise<void> {
  const { name, isRejection, isTransient = () => true } = destination;

  function insert(rows: readonly Row[]): Promise<void> {
    return retry(
      () => {
        counters.inserts++;
        return destination.insert(rows);
      },
      {
        delays: retryMillis,
        shouldRetry: (cause) => !isRejection(cause) && isTransient(cause),
        onRetry: () => counters.retries++,
      },
    );
  }

  async function insertHalving(some: readonly QueuedRequest<Row>[]): Promise<void> {
    const rows = some.flatMap((request) => request.rows);
    try {
      await insert(rows);
      counters.written += rows.length;
      for (const request of some) request.resolve();
    } catch (cause) {
      if (!isRejection(cause)) {
        counters.failed += rows.length;
        const error = new OriginscopeError('WRITE_FAILED', { destination: name, cause });
        for (const request of some) request.reject(error);
      } else if (some.length === 1) {
        counters.refused += rows.length;
        some[0]?.reject(new OriginscopeError('ROW_REFUSED', { destination: name, cause }));
      } else {
        const half = Math.ceil(some.length / 2);
        await insertHalving(some.slice(0, half));
        await insertHalving(some.slice(half));
      }
    }
  }

  await insertHalving(group);
}
