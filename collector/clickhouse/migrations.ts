import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { OriginscopeError } from '../errors.ts';
import { type Dialect, SCHEMA, type SchemaStep, singleNode } from './schema.ts';

interface AppliedStep {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Brings the schema up to the program's. Steps that the ledger has are compared and skipped; a step that
 * was cut short is run again.
 *
 * @throws OriginscopeError `SCHEMA_NEWER`, `SCHEMA_CHANGED`
 */
export async function migrate(
  client: ClickHouseClient,
  options: { readonly dialect?: Dialect; readonly steps?: readonly SchemaStep[] } = {},
): Promise<void> {
  const { dialect = singleNode, steps = SCHEMA } = options;
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS schema_steps (
        version UInt32, name String, checksum String, applied_at DateTime('UTC'))
      ENGINE = ${dialect.replacingMergeTree('applied_at')} ORDER BY version
      SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  });
  const applied = new Map((await readLedger(client)).map((step) => [step.version, step]));
  refuseNewer(applied.values(), steps);
  for (const step of steps) {
    const statements = step.statements(dialect);
    const checksum = createHash('sha256').update(statements.join(';\n')).digest('hex');
    const known = applied.get(step.version);
    if (known !== undefined) {
      refuseChanged(known, checksum);
      continue;
    }
    for (const query of statements) await client.command({ query });
    await client.command({
      query: `INSERT INTO schema_steps
        SELECT {version:UInt32}, {name:String}, {checksum:String}, now('UTC')`,
      query_params: { version: step.version, name: step.name, checksum },
    });
  }
}

/**
 * For those who only read: the schema has to be there already and be the program's.
 *
 * @throws OriginscopeError `SCHEMA_MISSING`, `SCHEMA_OLDER`, `SCHEMA_NEWER`
 */
export async function requireSchema(
  client: ClickHouseClient,
  steps: readonly SchemaStep[] = SCHEMA,
): Promise<void> {
  const [ledger] = await (
    await client.query({ query: 'EXISTS TABLE schema_steps', format: 'JSONEachRow' })
  ).json<{ result: number }>();
  const applied = ledger?.result === 1 ? await readLedger(client) : [];
  if (applied.length === 0) {
    throw new OriginscopeError('SCHEMA_MISSING', 'There is no Originscope data here yet', {
      remedy: 'Start "originscope up", or import a file, with the same data directory first.',
    });
  }
  refuseNewer(applied, steps);
  if (applied.length < steps.length) {
    throw new OriginscopeError('SCHEMA_OLDER', 'The data was written by an older version of Originscope', {
      remedy: 'Start "originscope up" of this version once: it brings the schema up to date.',
    });
  }
}

async function readLedger(client: ClickHouseClient): Promise<AppliedStep[]> {
  const result = await client.query({
    query: 'SELECT version, name, checksum FROM schema_steps FINAL ORDER BY version',
    format: 'JSONEachRow',
  });
  return result.json<AppliedStep>();
}

function refuseNewer(applied: Iterable<AppliedStep>, steps: readonly SchemaStep[]): void {
  const newest = Math.max(0, ...steps.map((step) => step.version));
  for (const step of applied) {
    if (step.version <= newest) continue;
    throw new OriginscopeError(
      'SCHEMA_NEWER',
      `The data has schema step ${step.version} (${step.name}), this program knows ${newest}`,
      { remedy: 'Use the newer version of Originscope that wrote it, or another data directory.' },
    );
  }
}

function refuseChanged(step: AppliedStep, checksum: string): void {
  if (step.checksum === checksum) return;
  throw new OriginscopeError(
    'SCHEMA_CHANGED',
    `Schema step ${step.version} (${step.name}) was applied with other statements than this program has`,
    { remedy: 'Use the version of Originscope that wrote the data, or another data directory.' },
  );
}
