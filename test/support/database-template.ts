import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The directory of an empty database with the current schema, for copies. */
    databaseTemplate: string;
  }
}

/** Migrates once for a run; copying the result costs a tenth of migrating again in every test. */
export default async function makeDatabaseTemplate(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-template-'));
  // In a process of its own: the engine would stay in this one.
  await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, 'database-template-process.ts'),
    directory,
  ]);
  project.provide('databaseTemplate', directory);
  return () => rm(directory, { recursive: true, force: true });
}
