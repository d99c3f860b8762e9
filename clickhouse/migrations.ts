import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { OriginscopeError } from '../core/errors.ts';
import { type Dialect, singleServer } from './dialect.ts';
import { SCHEMA, type SchemaStep } from './schema.ts';
import { literal } from './sql-text.ts';

export interface MigrationOptions {
  readonly dialect?: Dialect;
  readonly steps?: readonly SchemaStep[];
}

/** A step that is not applied yet, with its ledger entry. */
export interface PlannedStep {
  readonly name: string;
  readonly statements: readonly string[];
}

interface AppliedStep {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Migrates the schema to this version. Steps in the ledger are compared and skipped; an interrupted step is
 * run again.
 *
 * @returns the steps that were run
 * @throws OriginscopeError `SCHEMA_NEWER`, `SCHEMA_CHANGED`
 */
export async function migrate(
  client: ClickHouseClient,
  options: MigrationOptions = {},
): Promise<PlannedStep[]> {
  const steps = await planMigration(client, options);
  for (const query of steps.flatMap(({ statements }) => statements)) await client.command({ query });
  return steps;
}

/**
 * The steps that `migrate` would run, in order. If a node of the cluster has no ledger, it has no tables
 * either, so all steps are run again: they only add what is missing.
 *
 * @throws OriginscopeError `SCHEMA_NEWER`, `SCHEMA_CHANGED`
 */
export async function planMigration(
  client: ClickHouseClient,
  { dialect = singleServer, steps = SCHEMA }: MigrationOptions = {},
): Promise<PlannedStep[]> {
  const ledger = await readLedger(client);
  assertKnownSteps(ledger, dialect, steps);
  const applied = (await nodesWithoutLedger(client, dialect)) > 0 ? [] : ledger;
  const due = steps.filter((step) => !applied.some(({ version }) => version === step.version));
  return due.length === 0 ? [] : allSteps(dialect, due);
}

/** The plan for a database that does not exist yet. */
export function allSteps(dialect: Dialect, steps: readonly SchemaStep[] = SCHEMA): PlannedStep[] {
  return [
    { name: 'ledger', statements: [createLedger(dialect)] },
    ...steps.map((step) => ({
      name: step.name,
      statements: [
        ...step.statements(dialect),
        `INSERT INTO schema_steps
     SELECT ${step.version}, ${literal(step.name)}, ${literal(checksumOf(step, dialect))}, now('UTC')`,
      ],
    })),
  ];
}

/**
 * Requires the schema of this version, for commands that do not migrate.
 *
 * @throws OriginscopeError `SCHEMA_MISSING`, `SCHEMA_OLDER`, `SCHEMA_NEWER`, `SCHEMA_CHANGED`
 */
export async function requireSchema(
  client: ClickHouseClient,
  { dialect = singleServer, steps = SCHEMA }: MigrationOptions = {},
): Promise<void> {
  const ledger = await readLedger(client);
  if (ledger.length === 0) {
    throw new OriginscopeError('SCHEMA_MISSING', { place: 'this database' });
  }
  assertKnownSteps(ledger, dialect, steps);
  if (ledger.length < steps.length) {
    throw new OriginscopeError('SCHEMA_OLDER');
  }
}

function createLedger(dialect: Dialect): string {
  return `CREATE TABLE IF NOT EXISTS schema_steps${dialect.onCluster} (
       version UInt32, name String, checksum String, applied_at DateTime('UTC'))
     ENGINE = ${dialect.replacingMergeTree('applied_at')} ORDER BY version
     SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;
}

function checksumOf(step: SchemaStep, dialect: Dialect): string {
  return createHash('sha256').update(step.statements(dialect).join(';\n')).digest('hex');
}

async function readLedger(client: ClickHouseClient): Promise<AppliedStep[]> {
  const [ledger] = await (
    await client.query({ query: 'EXISTS TABLE schema_steps', format: 'JSONEachRow' })
  ).json<{ result: number }>();
  if (ledger?.result !== 1) return [];
  const result = await client.query({
    query: 'SELECT version, name, checksum FROM schema_steps FINAL ORDER BY version',
    format: 'JSONEachRow',
  });
  return result.json<AppliedStep>();
}

async function nodesWithoutLedger(client: ClickHouseClient, dialect: Dialect): Promise<number> {
  const result = await client.query({
    query: `SELECT (SELECT count() FROM ${dialect.system('one')}) AS nodes,
        (SELECT count() FROM ${dialect.system('tables')}
         WHERE database = (SELECT currentDatabase()) AND name = 'schema_steps') AS ledgers`,
    format: 'JSONEachRow',
  });
  const [counted] = await result.json<{ nodes: number; ledgers: number }>();
  return (counted?.nodes ?? 0) - (counted?.ledgers ?? 0);
}

function assertKnownSteps(
  ledger: readonly AppliedStep[],
  dialect: Dialect,
  steps: readonly SchemaStep[],
): void {
  for (const { version, name, checksum } of ledger) {
    const step = steps.find((known) => known.version === version);
    if (step === undefined) {
      throw new OriginscopeError('SCHEMA_NEWER', {
        step: version,
        name,
        known: steps.at(-1)?.version ?? 0,
      });
    }
    if (checksum !== checksumOf(step, dialect)) {
      throw new OriginscopeError('SCHEMA_CHANGED', { step: version, name });
    }
  }
}
