import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';

/**
 * Tables whose rows have an identity: in a cluster they are sharded. All other tables are complete on every
 * node.
 */
const SHARDED_TABLES = ['decision_spans', 'blocked_spans', 'staged_spans', 'retired_spans'] as const;
export type ShardedTable = (typeof SHARDED_TABLES)[number];

export function isSharded(table: string): table is ShardedTable {
  return (SHARDED_TABLES as readonly string[]).includes(table);
}

/** The differences of SQL between one server and a cluster (cluster.ts). */
export interface Dialect {
  /** Follows the name in a DDL statement: ` ON CLUSTER '…'`, or nothing. */
  readonly onCluster: string;
  /**
   * Precedes IN when its subquery reads a sharded table: `GLOBAL `, which runs the subquery once for all
   * shards, or nothing.
   */
  readonly global: string;
  mergeTree(): string;
  /** Of rows with an equal sorting key, the one with the highest version remains. */
  replacingMergeTree(version: string, spread?: 'sharded'): string;
  /** The name of the local table of a sharded one, as in system tables. */
  localTable(table: ShardedTable): string;
  /** The local table on every shard, for CREATE TABLE and ALTER TABLE: partitions and TTLs belong to it. */
  onShards(table: ShardedTable): string;
  /** Creates the distributed table through which a sharded table is read and written, under its own name. */
  distributedTable(table: ShardedTable): string[];
  /** A table of the database `system`, with the rows of all nodes. */
  system(table: 'disks' | 'one' | 'parts' | 'tables'): string;
  /** Statements that wait until all replicas of a table have earlier inserts. */
  syncReplicas(table: string): string[];
  /** Settings for writing connections. */
  readonly settings: ClickHouseSettings;
}

/** One server, or the embedded engine. */
export const singleServer: Dialect = {
  onCluster: '',
  global: '',
  mergeTree: () => 'MergeTree',
  replacingMergeTree: (version) => `ReplacingMergeTree(${version})`,
  localTable: (table) => table,
  onShards: (table) => table,
  distributedTable: () => [],
  system: (table) => `system.${table}`,
  syncReplicas: () => [],
  settings: {},
};

/**
 * Waits for all replicas. Call before reading what other processes, or this one via another node, have just
 * written.
 */
export async function syncReplicas(
  client: Pick<ClickHouseClient, 'command'>,
  dialect: Dialect,
  tables: readonly string[],
): Promise<void> {
  await Promise.all(
    tables.flatMap((table) => dialect.syncReplicas(table)).map((query) => client.command({ query })),
  );
}
