import type { ClickHouseClient } from '@clickhouse/client';
import { OriginscopeError } from '../core/errors.ts';

/**
 * Checks that the cluster is known to the servers and configured as the schema requires.
 *
 * @throws OriginscopeError `CLUSTER_UNKNOWN`, `CLUSTER_UNSUITABLE`
 */
export async function requireCluster(client: ClickHouseClient, cluster: string): Promise<void> {
  const nodes = await rows<{ cluster: string; internal_replication: number; default_database: string }>(
    client,
    'SELECT cluster, internal_replication, default_database FROM system.clusters',
  );
  const own = nodes.filter((node) => node.cluster === cluster);
  if (own.length === 0) {
    const known = [...new Set(nodes.map((node) => node.cluster))];
    throw new OriginscopeError('CLUSTER_UNKNOWN', { cluster, known: known.join(', ') || 'none' });
  }
  const macros = (await rows<{ macro: string }>(client, 'SELECT macro FROM system.macros')).map(
    ({ macro }) => macro,
  );
  const problems = [
    own.some((node) => node.internal_replication !== 1) &&
      'internal_replication is not true for every shard: rows would be written to each replica',
    own.some((node) => node.default_database !== '') &&
      'a replica has a default_database: statements would go to that one',
    !(macros.includes('shard') && macros.includes('replica')) &&
      'the server has no macros "shard" and "replica"',
  ].filter((reason) => reason !== false);
  if (problems.length > 0) {
    throw new OriginscopeError('CLUSTER_UNSUITABLE', { cluster, problems: problems.join('; ') });
  }
}

async function rows<Row>(client: ClickHouseClient, query: string): Promise<Row[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
}
