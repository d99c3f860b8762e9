import type { ClickHouseClient } from '@clickhouse/client';
import { compare, type Ledger, type LedgerRow, type Mismatch } from './browsers/ledger.ts';

export interface SelfCheck {
  /** Differences between the browsers and the views; empty when they agree. */
  readonly mismatches: readonly Mismatch[];
  /** Decisions in the views. */
  readonly recorded: number;
}

/**
 * Compares everything in ClickHouse with the results of the browsers.
 *
 * @param since what is older is not theirs, epoch milliseconds of a whole minute
 */
export async function selfCheck(reading: ClickHouseClient, ledger: Ledger, since = 0): Promise<SelfCheck> {
  const result = await reading.query({
    query: `SELECT service, origin, kind, verdict, reason, sum(usage.decisions) AS decisions
      FROM origin_usage AS usage WHERE minute >= toDateTime({since:UInt32}, 'UTC')
      GROUP BY service, origin, kind, verdict, reason`,
    query_params: { since: Math.floor(since / 1000) },
    format: 'JSONEachRow',
  });
  const recorded = await result.json<LedgerRow>();
  return {
    mismatches: compare(ledger.rows(), recorded),
    recorded: recorded.reduce((sum, row) => sum + row.decisions, 0),
  };
}
