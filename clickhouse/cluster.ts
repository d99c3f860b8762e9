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
  /** As `remote_servers` and `system.clusters` call it. */
  readonly cluster: string;
  readonly database: string;
}

/**
 * A cluster of shards and replicas. Two kinds of tables, and no third:
 *
 * - What arrives is *sharded* by its identity, so that rows of one key meet on one shard and collapse there:
 *   a replicated table on each shard behind a `Distributed` one that has the plain name.
 * - What is published, and the ledgers of it, are small and *everywhere*: one replicated table of which every
 *   node of the cluster is a replica. Views read it where they are asked, no shard can be missing from a sum, and
 *   a marker and the rows that it marks are replicated alike.
 *
 * Quorum and agreement: an insert is acknowledged by a majority of a table's replicas, in parallel with others.
 * ClickHouse's sequential consistency (`select_sequential_consistency`) wants `insert_quorum_parallel = 0`, one
 * insert at a time and table, and every reader to ask for it. So it is the publisher that waits instead, for all
 * replicas (`SYSTEM SYNC REPLICA … LIGHTWEIGHT`, on the cluster): of the spans before they are summed, of the sums
 * before they are marked. A replica that does not answer holds up publication, visibly; views go on counting the
 * raw rows, and nobody reads a sum that is not whole.
 */
export function clusterDialect({ cluster, database }: ClusterLocation): Dialect {
  const name = literal(cluster);
  const onCluster = ` ON CLUSTER ${name}`;
  const holding = (table: ShardedTable): string => `${table}_local`;
  const path = (replicas: string): string => `'/clickhouse/tables/{database}/{table}/${replicas}'`;
  // Every node is a replica of what is everywhere; {replica} need only be unique within its shard.
  const everywhere = `${path('everywhere')}, '{shard}-{replica}'`;
  const sharded = `${path('{shard}')}, '{replica}'`;
  return {
    onCluster,
    global: 'GLOBAL ',
    mergeTree: () => `ReplicatedMergeTree(${everywhere})`,
    replacingMergeTree: (version, spread) =>
      `ReplicatedReplacingMergeTree(${spread === 'sharded' ? sharded : everywhere}, ${version})`,
    holding,
    onShards: (table) => `${holding(table)}${onCluster}`,
    // The database is named: where ON CLUSTER is carried out, the current one may be another.
    whole: (table) => [
      `CREATE TABLE IF NOT EXISTS ${table}${onCluster} AS ${identifier(database)}.${holding(table)}
     ENGINE = Distributed(${name}, ${literal(database)}, ${holding(table)}, cityHash64(service, minute, span))`,
    ],
    system: (table) => `clusterAllReplicas(${name}, system.${table})`,
    agreement: (table) => [
      `SYSTEM SYNC REPLICA${onCluster} ${identifier(database)}.${isSharded(table) ? holding(table) : table} LIGHTWEIGHT`,
    ],
    settings: SETTINGS,
  };
}

const SETTINGS: ClickHouseSettings = {
  // The insert returns when the shards have the rows, not when the node in between has put them by.
  distributed_foreground_insert: 1,
  // A majority of the replicas; others fetch the part when they can.
  insert_quorum: 'auto',
  insert_quorum_parallel: 1,
  // Both sooner than we stop waiting for an answer ourselves (--clickhouse-timeout).
  insert_quorum_timeout: 30_000,
  distributed_ddl_task_timeout: '45',
  // Rows of INSERT SELECT go where the sharding key says.
  parallel_distributed_insert_select: '0',
  // A shard that is away is an error, not a smaller sum.
  skip_unavailable_shards: 0,
};
