import type { ClickHouseClient } from '@clickhouse/client';
import { compare, type Ledger, type LedgerRow, type Mismatch } from './browsers/ledger.ts';

export interface SelfCheck {
  /** What the browsers experienced and what the views say, where they differ; empty when all is right. */
  readonly mismatches: readonly Mismatch[];
  /** Decisions in the views. */
  readonly recorded: number;
}

/** Holds everything that ClickHouse has against what the browsers experienced. */
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
