import { statfsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

// Databases of tests need not survive a power cut: in memory, where there is room, no test waits for a disk.
if (process.env.TMPDIR === undefined && freeBytes('/dev/shm') > 4 * 1024 ** 3)
  process.env.TMPDIR = '/dev/shm';

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/**
 * Unit tests run in parallel, those of the instrumentation each in a worker of its own. Heavy ones (chdb with 0.5 GB per process, browsers, whole processes) run one file
 * after another in the project `heavy`, so that two cores and a small CI machine suffice. Those in `kafka` share
 * one broker, which is started when a run has any of them.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{core,explain,clickhouse,reports,server,collector,analyzer,dashboards,cli,examples}/**/*.test.ts',
            'test/{docs,imports}/**/*.test.ts',
          ],
          exclude: ['**/*.{heavy,kafka}.test.ts', '**/node_modules/**', '**/dist/**'],
          // Loading the modules again for every file took more time than the tests.
          isolate: false,
          testTimeout: 20_000,
        },
      },
      {
        test: {
          // Its subject is the process: its global API, channels and signals. What one file leaves would be another's.
          name: 'instrumentation',
          include: ['instrumentation/src/**/*.test.ts'],
          exclude: ['**/*.heavy.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'heavy',
          include: [
            '{instrumentation/src,core,explain,clickhouse,reports,server,collector,analyzer,dashboards,cli,examples}/**/*.heavy.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: ['**/*.kafka.test.ts', 'test/{docs,imports}/**', '**/node_modules/**', '**/dist/**'],
          globalSetup: ['test/support/database-template.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'kafka',
          include: ['{clickhouse,collector,cli,test}/**/*.kafka.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['test/support/database-template.ts', 'test/support/kafka/run.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
