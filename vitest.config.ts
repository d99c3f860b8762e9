import { defineConfig } from 'vitest/config';

/**
 * Light suites run side by side. Heavy ones — chdb (0.5 GB a process), browsers, whole processes — run
 * one file after another in the project `heavy`, so that two cores and a small CI machine carry them. Those in
 * `kafka` share one broker, which is started when a run has any of them.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{instrumentation/src,core,explain,clickhouse,reports,server,collector,dashboards,cli,examples}/**/*.test.ts',
          ],
          exclude: ['**/*.{heavy,kafka}.test.ts', '**/node_modules/**', '**/dist/**'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'heavy',
          include: [
            '{instrumentation/src,core,explain,clickhouse,reports,server,collector,dashboards,cli,examples}/**/*.heavy.test.ts',
            'test/**/*.test.ts',
          ],
          exclude: ['**/*.kafka.test.ts', '**/node_modules/**', '**/dist/**'],
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
          globalSetup: ['test/support/kafka/run.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
