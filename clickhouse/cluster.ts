import type { ClickHouseSettings } from '@clickhouse/client';
import { type Dialect, isSharded, type ShardedTable, singleServer } from './dialect.ts';
import { addressOf, type ClickHouseLocation } from './location.ts';
import { identifier, literal } from './sql-text.ts';

export function dialectOf(location: ClickHouseLocation): Dialect {
  if ('directory' in location || location.cluster === undefined) return singleServer;
  const { cluster } = location;
  return clusterDialect({ cluster, database: addressOf(location.url).database });
}

export interface ClusterLocation {
  /** Its name in `remote_servers` and `system.clusters`. */
  readonly cluster: string;
  readonly database: string;
}

/**
 * A cluster of shards and replicas, with two kinds of tables:
 *
 * - Span tables are *sharded* by identity, so that rows with the same key collapse on the same shard: a replicated
 *   table on each shard behind a `Distributed` table with the plain name.
 * - Published tables and their bookkeeping are small and kept on every node: one replicated table of which every
 *   node of the cluster is a replica. Views read it locally, no shard can be missing from a sum, and a marker is
 *   replicated like the rows that it marks.
 *
 * Consistency: an insert is acknowledged by a majority of a table's replicas, in parallel with other inserts.
 * ClickHouse's sequential consistency (`select_sequential_consistency`) requires `insert_quorum_parallel = 0`, one
 * insert at a time per table, and readers that ask for it. Instead, the publisher waits for all replicas
 * (`SYSTEM SYNC REPLICA … LIGHTWEIGHT`, on the cluster): for the spans before it aggregates them, and for the
 * aggregates before it marks them. An unresponsive replica delays publication, visibly; views keep counting the
 * raw rows, and nobody reads a partial sum.
 */
export function clusterDialect({ cluster, database }: ClusterLocation): Dialect {
  const name = literal(cluster);
  const onCluster = ` ON CLUSTER ${name}`;
  const localTable = (table: ShardedTable): string => `${table}_local`;
  const path = (replicas: string): string => `'/clickhouse/tables/{database}/{table}/${replicas}'`;
  // Every node is a replica of these tables; {replica} is unique within its shard only.
  const everywhere = `${path('everywhere')}, '{shard}-{replica}'`;
  const sharded = `${path('{shard}')}, '{replica}'`;
  return {
    onCluster,
    global: 'GLOBAL ',
    mergeTree: () => `ReplicatedMergeTree(${everywhere})`,
    replacingMergeTree: (version, spread) =>
      `ReplicatedReplacingMergeTree(${spread === 'sharded' ? sharded : everywhere}, ${version})`,
    localTable,
    onShards: (table) => `${localTable(table)}${onCluster}`,
    // Names the database: ON CLUSTER statements may run with another current database.
    distributedTable: (table) => [
      `CREATE TABLE IF NOT EXISTS ${table}${onCluster} AS ${identifier(database)}.${localTable(table)}
     ENGINE = Distributed(${name}, ${literal(database)}, ${localTable(table)}, cityHash64(service, minute, span))`,
    ],
    system: (table) => `clusterAllReplicas(${name}, system.${table})`,
    syncReplicas: (table) => [
      `SYSTEM SYNC REPLICA${onCluster} ${identifier(database)}.${isSharded(table) ? localTable(table) : table} LIGHTWEIGHT`,
    ],
    settings: SETTINGS,
  };
}

const SETTINGS: ClickHouseSettings = {
  // The insert returns when the shards have the rows, not when the initiator has queued them.
  distributed_foreground_insert: 1,
  // A majority of the replicas; the others fetch the part later.
  insert_quorum: 'auto',
  insert_quorum_parallel: 1,
  // Both are shorter than our own timeout (--clickhouse-timeout).
  insert_quorum_timeout: 30_000,
  distributed_ddl_task_timeout: '45',
  // Rows of INSERT SELECT are distributed by the sharding key.
  parallel_distributed_insert_select: '0',
  // An unavailable shard is an error, not a smaller sum.
  skip_unavailable_shards: 0,
};
