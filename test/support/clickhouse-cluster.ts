import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { onTestFinished } from 'vitest';
import { clusterDialect } from '../../clickhouse/cluster.ts';
import { type ClickHouse, openClickHouse } from '../../clickhouse/connection.ts';
import type { ClickHouseConnection } from '../../clickhouse/connector.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { temporaryDirectory } from './clickhouse.ts';

/** The one-node cluster, and one with two unreachable shards. */
export const CLUSTER = 'rehearsal';
export const UNREACHABLE = 'unreachable';

type Said = Pick<Heard, 'query'> & Partial<Heard>;

const CONFIG = `<clickhouse>
  <tcp_port>9000</tcp_port>
  <remote_servers>
    <${CLUSTER}>
      <shard>
        <internal_replication>true</internal_replication>
        <replica><host>localhost</host><port>9000</port></replica>
      </shard>
    </${CLUSTER}>
    <${UNREACHABLE}>
      <shard><replica><host>localhost</host><port>1</port></replica></shard>
      <shard><replica><host>localhost</host><port>1</port></replica></shard>
    </${UNREACHABLE}>
  </remote_servers>
  <macros><shard>01</shard><replica>a</replica></macros>
</clickhouse>`;

export interface Rehearsal {
  /** Uses the dialect of a cluster, in the database `default`. */
  readonly clickHouse: ClickHouse;
  /** The statements in order, as sent to a cluster; all of them were parsed by the engine. */
  readonly heard: readonly Heard[];
  /** Whether waiting for replicas fails, as when one is down. */
  replicaIsAway: boolean;
  /** A connection to the same engine that does not modify statements. */
  readonly plain: ClickHouseClient;
}

export interface Heard {
  readonly query: string;
  readonly query_params: Record<string, unknown>;
}

/** The part of a statement that can be executed without Keeper. */
export function withoutKeeper(query: string): string {
  return query
    .replaceAll(/ ON CLUSTER '\w+'/g, '')
    .replaceAll(/Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?/g, '$1(');
}

/**
 * A cluster, as far as the embedded engine can emulate one. Every statement is parsed unchanged (`EXPLAIN
 * AST`); then it is executed without what needs Keeper: ON CLUSTER, replication, and waiting for replicas.
 * The rest is real: tables of one shard behind `Distributed` ones, `clusterAllReplicas`, GLOBAL IN, the
 * settings of connections. Not covered by a single shard: that rows are on the right shard, and failures of
 * a shard.
 */
export async function openRehearsal(): Promise<Rehearsal> {
  const directory = await temporaryDirectory();
  const config = join(await temporaryDirectory(), 'config.xml');
  await writeFile(config, CONFIG);
  // The first connection configures the engine of the process.
  const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
  const first = new Session(directory, { connectionArgs: [`--config-file=${config}`] });
  onTestFinished(() => first.close());
  const opened = await openClickHouse({ directory });
  onTestFinished(() => opened.close());

  const dialect = clusterDialect({ cluster: CLUSTER, database: 'default' });
  const heard: Heard[] = [];
  const parsed = new Set<string>();
  const settings = Object.entries(dialect.settings).map(([name, value]) => `${name} = '${value}'`);
  for (const connection of [opened.writing, opened.publishing]) {
    await connection.command({ query: `SET ${settings.join(', ')}` });
  }

  /** @returns what can be carried out of it here */
  async function hear(connection: ClickHouseConnection, { query, query_params = {} }: Said): Promise<string> {
    heard.push({ query, query_params });
    if (!parsed.has(query)) await connection.command({ query: `EXPLAIN AST ${query}`, query_params });
    parsed.add(query);
    if (query.startsWith('SYSTEM SYNC REPLICA')) {
      if (rehearsal.replicaIsAway) throw new Error('a replica did not answer in time');
      return 'SELECT 1';
    }
    return withoutKeeper(query);
  }

  function rehearsing(connection: ClickHouseConnection): ClickHouseConnection {
    return new Proxy(connection, {
      get(target, name) {
        if (name === 'command' || name === 'query') {
          return async (said: Said) => target[name]({ ...said, query: await hear(target, said) } as never);
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  const clickHouse: ClickHouse = {
    ...opened,
    writing: rehearsing(opened.writing),
    publishing: rehearsing(opened.publishing),
    reading: rehearsing(opened.reading),
    dialect,
  };
  const rehearsal: Rehearsal = { clickHouse, heard, replicaIsAway: false, plain: opened.reading };
  await migrate(clickHouse.writing, clickHouse);
  return rehearsal;
}
