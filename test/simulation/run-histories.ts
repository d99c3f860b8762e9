import fc from 'fast-check';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { type Event, history } from './history.ts';
import { Simulation } from './simulation.ts';

export interface SimulationOptions {
  /** Of the embedded engine, empty. */
  readonly directory: string;
  readonly seeds: readonly number[];
  readonly report: (line: string) => void;
}

/** The simulation's statements are small: starting threads and compiling takes longer than what they do. */
const QUICK = [
  'max_threads = 1',
  'compile_expressions = 0',
  'compile_aggregate_expressions = 0',
  'compile_sort_description = 0',
  'log_queries = 0',
  'memory_profiler_step = 0',
  'query_profiler_cpu_time_period_ns = 0',
  'query_profiler_real_time_period_ns = 0',
];

/** Verifying takes as long as a history, and its findings are those of the model in most cases. */
const VERIFIED_EVERY = 10;

/**
 * Runs one history a seed. Of one that fails the shortest found history that fails, too, is reported.
 *
 * @returns how many failed
 */
export async function simulate({ directory, seeds, report }: SimulationOptions): Promise<number> {
  const clickHouse = await openClickHouse({ directory });
  let failures = 0;
  try {
    await migrate(clickHouse.writing);
    for (const client of [clickHouse.writing, clickHouse.publishing, clickHouse.reading]) {
      for (const setting of QUICK) await client.command({ query: `SET ${setting}` });
    }
    const began = performance.now();
    let statements = 0;
    for (const [index, seed] of seeds.entries()) {
      const details = await fc.check(
        fc.asyncProperty(history, async (events) => {
          statements += (await run(clickHouse, events, seed % VERIFIED_EVERY === 0)).statements;
        }),
        { seed, numRuns: 1, endOnFailure: false, skipAllAfterTimeLimit: 30_000 },
      );
      if (details.failed) {
        failures++;
        const { errorInstance: error } = details as { errorInstance: Error & { history?: string[] } };
        report([`seed ${seed} fails: ${error}`, ...(error.history ?? [])].join('\n  '));
      }
      if ((index + 1) % 100 === 0) {
        const seconds = (performance.now() - began) / 1000;
        report(`${index + 1} seeds, ${failures} failures, ${statements} statements, ${seconds.toFixed(0)} s`);
      }
    }
  } finally {
    await clickHouse.close();
  }
  return failures;
}

async function run(clickHouse: ClickHouse, events: readonly Event[], verified: boolean): Promise<Simulation> {
  await empty(clickHouse);
  const simulation = new Simulation(clickHouse);
  try {
    for (const [index, event] of events.entries()) {
      await simulation.happen(event);
      if (index % 20 === 19) await simulation.checkMoment();
    }
    await simulation.end({ verified });
  } catch (error) {
    throw Object.assign(error as Error, { history: simulation.log });
  }
  return simulation;
}

async function empty(clickHouse: ClickHouse): Promise<void> {
  const result = await clickHouse.writing.query({
    query: `SELECT name FROM system.tables
      WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_steps'`,
    format: 'JSONEachRow',
  });
  for (const { name } of await result.json<{ name: string }>()) {
    await clickHouse.writing.command({ query: `TRUNCATE TABLE ${name}` });
  }
}
