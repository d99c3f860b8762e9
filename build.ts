/**
 * Builds the package `originscope` into `dist`: JavaScript with the layout of the sources, because Node strips no
 * types under node_modules. In the clone the sources themselves run.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const dist = join(here, 'dist');

/** Files that the program reads or runs, and that are not compiled. */
const COPIED = [
  'dashboards/prometheus/rules.yml',
  'examples/end-with-parent.js',
  'examples/express-list/server.js',
  'examples/fastify/server.js',
  'examples/hono/server.js',
];

rmSync(dist, { recursive: true, force: true });
execFileSync('tsc', ['--project', join(here, 'tsconfig.build.json')], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
for (const file of COPIED) cpSync(join(here, file), join(dist, file));
