/**
 * Runs changesets: npm run changeset -- add | status | version. It knows only packages in "workspaces", to which the
 * root package cannot belong for npm; so it does while changesets runs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const MANIFEST = join(ROOT, 'package.json');
const VERSION_FILE = join(ROOT, 'instrumentation/src/version.ts');

interface Manifest {
  readonly version: string;
  workspaces: string[];
}

const read = (): Manifest => JSON.parse(readFileSync(MANIFEST, 'utf8'));
const write = (manifest: Manifest): void => writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);

const { workspaces } = read();
// Ctrl-C ends changesets; the manifest is restored then.
process.on('SIGINT', () => undefined);
write({ ...read(), workspaces: ['.', ...workspaces] });
const { status } = spawnSync('changeset', process.argv.slice(2), {
  cwd: ROOT,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
write({ ...read(), workspaces });

if (process.argv[2] === 'version' && status === 0) {
  const source = readFileSync(VERSION_FILE, 'utf8');
  writeFileSync(VERSION_FILE, source.replace(/'.*'/, `'${read().version}'`));
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}
process.exit(status ?? 1);
