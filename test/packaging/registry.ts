import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { buildBoth, pack } from './pack.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const TOOLS = join(import.meta.dirname, 'node_modules');

/** The programs that are installed beside this file: `verdaccio`, `pnpm`, `yarn`. */
export const tool = (name: string): string => join(TOOLS, '.bin', name);

/** A sentence for tests that are skipped; undefined where all tools are installed. */
export const toolsMissing = (): string | undefined =>
  existsSync(tool('verdaccio')) ? undefined : 'run "npm ci --prefix test/packaging" for a local registry';

export interface Registry {
  readonly url: string;
  /** npm's settings for it. */
  readonly npmrc: string;
  close(): Promise<void>;
}

/**
 * A registry with our two packages, as `npm publish` puts them there; all others come from the registry that npm is
 * configured with.
 *
 * @param directory an empty one, for everything that it stores
 */
export async function startRegistry(directory: string): Promise<Registry> {
  const { stdout: uplink } = await run('npm', ['config', 'get', 'registry'], { cwd: ROOT });
  const config = join(directory, 'config.json');
  await writeFile(
    config,
    JSON.stringify({
      storage: join(directory, 'storage'),
      uplinks: { configured: { url: uplink.trim(), cache: false, timeout: '120s', max_fails: 10 } },
      packages: {
        originscope: { access: '$all', publish: '$all' },
        '@originscope/*': { access: '$all', publish: '$all' },
        '**': { access: '$all', proxy: 'configured' },
      },
      max_body_size: '50mb',
      log: { type: 'stdout', format: 'json', level: 'warn' },
    }),
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const registry = spawn(
    process.execPath,
    [tool('verdaccio'), '--config', config, '--listen', `127.0.0.1:${port}`],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = once(registry, 'exit');
  const close = async (): Promise<void> => {
    registry.kill('SIGKILL');
    await ended;
  };
  const messages: string[] = [];
  for (const stream of [registry.stdout, registry.stderr]) {
    createInterface(stream).on('line', (line) => messages.push(line));
  }
  const npmrc = `registry=${url}\n//127.0.0.1:${port}/:_authToken=anyone\naudit=false\nfund=false\n`;
  await Promise.race([
    until(() => answers(url), 50),
    ended.then(() => Promise.reject(new Error(messages.join('\n')))),
  ]);
  return { url, npmrc, close };
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}-/ping`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Builds both packages, and publishes them. */
export async function publishBoth(directory: string, { npmrc }: Registry): Promise<void> {
  const userconfig = join(directory, 'npmrc');
  await writeFile(userconfig, npmrc);
  const env = { ...process.env, npm_config_userconfig: userconfig };
  const tarballs = join(directory, 'tarballs');
  await mkdir(tarballs);
  await buildBoth();
  for (const folder of [ROOT, join(ROOT, 'instrumentation')]) {
    const tarball = join(tarballs, (await pack(folder, tarballs)).filename);
    // Provenance is what a CI service adds.
    await run('npm', ['publish', tarball, '--no-provenance', '--ignore-scripts'], { cwd: tarballs, env });
  }
}
