import { hostname } from 'node:os';
import type { Command } from 'commander';
import { dialectOf } from '../clickhouse/cluster.ts';
import { type ClickHouse, openClickHouse } from '../clickhouse/connection.ts';
import { addressOf, type ServerLocation } from '../clickhouse/location.ts';
import { withMigrationLock } from '../clickhouse/migration-lock.ts';
import { allSteps, migrate as bringUp, type PlannedStep, planMigration } from '../clickhouse/migrations.ts';
import { createDatabaseStatement } from '../clickhouse/over-http.ts';
import { requireCluster } from '../clickhouse/require-cluster.ts';
import { allRetention, applyRetention, planRetention, type Retention } from '../clickhouse/retention.ts';
import { hasCode } from '../core/errors.ts';
import { CLICKHOUSE_SETTINGS, requiredServerOf } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/retention.ts';

interface Flags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function migrate(command: Command): Command {
  command.option('--dry-run', 'change nothing; print the SQL that would run').option('--json', 'print JSON');
  return addSettings(command, [...CLICKHOUSE_SETTINGS, ...RETENTION_SETTINGS]).action(
    async ({ dryRun, json, ...flags }: Flags) => {
      const settings = readSettings(flags, process.env);
      const server = requiredServerOf(settings);
      const retention = retentionOf(settings);
      if (server.cluster !== undefined) await checkCluster(server, server.cluster);
      const steps = dryRun ? await plan(server, retention) : await apply(server, retention);
      if (json) console.log(JSON.stringify({ dryRun: dryRun === true, steps }, null, 2));
      else if (dryRun) printSql(steps);
      else
        console.log(
          steps.length === 0 ? 'Nothing to do' : `Done: ${steps.map(({ name }) => name).join(', ')}`,
        );
    },
  );
}

async function checkCluster(server: ServerLocation, cluster: string): Promise<void> {
  // Uses the default database, because ours may not exist yet.
  await using(await openClickHouse({ ...server, url: addressOf(server.url).origin }), (clickhouse) =>
    requireCluster(clickhouse.reading, cluster),
  );
}

async function plan(server: ServerLocation, retention: Retention): Promise<PlannedStep[]> {
  const dialect = dialectOf(server);
  const opened = await openClickHouse(server).catch((error: unknown) => {
    if (hasCode(error, 'DATABASE_MISSING')) return undefined;
    throw error;
  });
  if (opened === undefined) {
    const { database } = addressOf(server.url);
    return [
      { name: 'database', statements: [createDatabaseStatement(database, dialect)] },
      ...allSteps(dialect),
      ...retentionStep(allRetention(retention, dialect)),
    ];
  }
  return await using(opened, async ({ reading }) => [
    ...(await planMigration(reading, { dialect })),
    ...retentionStep(await planRetention(reading, retention, dialect)),
  ]);
}

async function apply(server: ServerLocation, retention: Retention): Promise<PlannedStep[]> {
  return await using(await openClickHouse(server, { createDatabase: true }), ({ writing, dialect }) => {
    const lock = {
      owner: `${hostname()}, process ${process.pid}`,
      waiting: (holder: string) => console.error(`Waiting for a migration that began ${holder}`),
    };
    return withMigrationLock(writing, dialect, lock, async () => [
      ...(await bringUp(writing, { dialect })),
      ...retentionStep(await applyRetention(writing, retention, dialect)),
    ]);
  });
}

function retentionStep(statements: readonly string[]): PlannedStep[] {
  return statements.length === 0 ? [] : [{ name: 'retention', statements }];
}

/** Something that clickhouse-client takes as it is. */
function printSql(steps: readonly PlannedStep[]): void {
  if (steps.length === 0) console.error('Nothing to do');
  for (const { name, statements } of steps) {
    console.log(`-- ${name}`);
    for (const statement of statements) console.log(`${statement};\n`);
  }
}

async function using<T>(clickhouse: ClickHouse, work: (clickhouse: ClickHouse) => Promise<T>): Promise<T> {
  try {
    return await work(clickhouse);
  } finally {
    await clickhouse.close();
  }
}
