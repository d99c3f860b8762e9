import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import type { OriginscopeError } from '../core/errors.ts';
import type { Insert } from './rows.ts';

/** The client, and inserts of rows, which the embedded engine takes in a way of its own. */
export interface Inserting {
  /** Resolves when the rows are on disk. */
  insertRows(rows: Insert): Promise<void>;
}

export type ClickHouseConnection = ClickHouseClient & Inserting;

/** Opens connections to one place. */
export interface Connector {
  /** @param mayTakeMinutes of statements */
  connect(settings: ClickHouseSettings, mayTakeMinutes: boolean): Promise<ClickHouseConnection>;
  /** Turns the error of a statement into one with a remedy, and with whether a retry can help. */
  unavailable(cause: unknown): OriginscopeError;
}
