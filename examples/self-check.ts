import type { ClickHouseClient } from '@clickhouse/client';
import { compare, type Ledger, type LedgerRow, type Mismatch } from './browsers/ledger.ts';

export interface SelfCheck {
  /** Differences between the browsers and the views; empty when they agree. */
  readonly mismatches: readonly Mismatch[];
  /** Decisions in the views. */
  readonly recorded: number;
}

/** Compares everything in ClickHouse with the results of the browsers. */
export async function selfCheck(reading: ClickHouseClient, ledger: Ledger): Promise<SelfCheck> {
  const result = await reading.query({
    query: `SELECT service, origin, kind, verdict, reason, sum(usage.decisions) AS decisions
      FROM origin_usage AS usage GROUP BY service, origin, kind, verdict, reason`,
    format: 'JSONEachRow',
  });
  const recorded = await result.json<LedgerRow>();
  return {
    mismatches: compare(ledger.rows(), recorded),
    recorded: recorded.reduce((sum, row) => sum + row.decisions, 0),
  };
}
