import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';

/** Tables whose rows have an identity: in a cluster each shard has its part of them. All others are whole everywhere. */
const SHARDED_TABLES = ['decision_spans', 'blocked_spans', 'staged_spans', 'retired_spans'] as const;
export type ShardedTable = (typeof SHARDED_TABLES)[number];

export function isSharded(table: string): table is ShardedTable {
  return (SHARDED_TABLES as readonly string[]).includes(table);
}

/** What a statement has to say differently on one server and in a cluster (cluster.ts); all else is the same. */
export interface Dialect {
  /** Behind the name in a statement that defines something: ` ON CLUSTER '…'`, or nothing. */
  readonly onCluster: string;
  /** Before IN where its subquery asks a sharded table: `GLOBAL `, which asks once and for all shards, or nothing. */
  readonly global: string;
  mergeTree(): string;
  /** Rows of equal sorting key collapse to the one with the highest version. */
  replacingMergeTree(version: string, spread?: 'sharded'): string;
  /** The name of the table that holds a sharded one's rows, in system tables. */
  holding(table: ShardedTable): string;
  /** That table on every shard, for CREATE TABLE and ALTER TABLE: partitions and TTLs are its own. */
  onShards(table: ShardedTable): string;
  /** Makes a sharded table one that is read and written as a whole, under its own name. */
  whole(table: ShardedTable): string[];
  /** A table of the database `system`, with the rows of every node. */
  system(table: 'disks' | 'one' | 'parts' | 'tables'): string;
  /** Waits until all replicas of a table have what was inserted into it before. */
  agreement(table: string): string[];
  /** For connections that write. */
  readonly settings: ClickHouseSettings;
}

/** One server, or the embedded engine. */
export const singleServer: Dialect = {
  onCluster: '',
  global: '',
  mergeTree: () => 'MergeTree',
  replacingMergeTree: (version) => `ReplacingMergeTree(${version})`,
  holding: (table) => table,
  onShards: (table) => table,
  whole: () => [],
  system: (table) => `system.${table}`,
  agreement: () => [],
  settings: {},
};

/** Before reading what others, or this process by way of another node, have just written. */
export async function agree(
  client: Pick<ClickHouseClient, 'command'>,
  dialect: Dialect,
  tables: readonly string[],
): Promise<void> {
  await Promise.all(
    tables.flatMap((table) => dialect.agreement(table)).map((query) => client.command({ query })),
  );
}
