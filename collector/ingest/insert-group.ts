import { OriginscopeError } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import type { Destination, GroupCommitCounters, GroupCommitLimits } from './group-commit.ts';
import type { QueuedRequest } from './request-queue.ts';

/**
 * Inserts the rows of all requests at once and settles every request. A group whose content is rejected is halved
 * until only the request at fault fails.
 */
export async function insertGroup<Row>(
  group: readonly QueuedRequest<Row>[],
  destination: Destination<Row>,
  { retryMillis }: Pick<GroupCommitLimits, 'retryMillis'>,
  counters: GroupCommitCounters,
): Promise<void> {
  const { name, isRejection, mayPass = () => true } = destination;

  function insert(rows: readonly Row[]): Promise<void> {
    return retry(
      () => {
        counters.inserts++;
        return destination.insert(rows);
      },
      {
        delays: retryMillis,
        shouldRetry: (cause) => !isRejection(cause) && mayPass(cause),
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
