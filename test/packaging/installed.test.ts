import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import metadata from '../../package.json' with { type: 'json' };
import { ask, crossOrigin } from '../support/ask.ts';
import { start } from '../support/process.ts';
import { beginProject, LAYOUTS, type Layout } from './layouts.ts';
import { findNode } from './nodes.ts';
import { publishBoth, type Registry, startRegistry, tool, toolsMissing } from './registry.ts';

const run = promisify(execFile);
const PROGRAMS = join(import.meta.dirname, 'programs');
const SERVICES = ['server.mjs', 'server.cjs', 'in-code.mjs', 'in-code.cjs'];
const REGISTER = ['--import', '@originscope/instrumentation-cors/register'];

/** `npm test` has the first combination and the last test of it, `npm run test:packages` everything. */
const COMBINATIONS: readonly (readonly [keyof typeof LAYOUTS, '20' | '22' | '24'])[] = [
  ['npm', '20'],
  ['npm', '22'],
  ['npm, linked', '24'],
  ['pnpm', '24'],
  ['Yarn, isolated', '24'],
];
const isLong = process.env.TEST_PACKAGES === 'all';
/** Not skipped: not there. */
const whenLong = isLong ? test : () => undefined;

let skipped = toolsMissing();
let directory: string;
let registry: Registry | undefined;
let npmCache: string;

beforeAll(async () => {
  // With a space, as paths of people have.
  directory = await mkdtemp(join(tmpdir(), 'originscope packages-'));
  if (skipped !== undefined) return;
  await mkdir(join(directory, 'registry'));
  npmCache = (await run('npm', ['config', 'get', 'cache'])).stdout.trim();
  registry = await startRegistry(join(directory, 'registry'));
  const reachable = await fetch(`${registry.url}commander`).then(({ ok }) => ok);
  if (!reachable) skipped = 'the npm registry cannot be reached: connect to it, or point npm to a mirror';
  else await publishBoth(join(directory, 'registry'), registry);
}, 240_000);
beforeEach(({ skip }) => {
  if (skipped !== undefined) skip(skipped);
});
afterAll(async () => {
  await registry?.close();
  await rm(directory, { recursive: true, force: true });
});

/** The environment of a shell with this Node and the package managers first, and nothing of this repository. */
async function environmentOf(node: string, name: string): Promise<Record<string, string>> {
  const bin = join(directory, `node ${name}`);
  await mkdir(bin, { recursive: true });
  for (const [program, file] of [
    ['node', node],
    ['pnpm', tool('pnpm')],
    ['yarn', tool('yarn')],
  ] as const) {
    await symlink(file, join(bin, program)).catch(() => undefined);
  }
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { PATH: [bin, ...path].join(delimiter), HOME: homedir(), npm_config_cache: npmCache };
}

async function findNodeHere(major: '20' | '22' | '24'): Promise<string> {
  const folder = join(directory, `from registry ${major}`);
  await mkdir(folder, { recursive: true });
  return findNode(major, folder, async (cwd, ...packages) => {
    await run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd });
  });
}

for (const [name, major] of isLong ? COMBINATIONS : COMBINATIONS.slice(0, 1)) {
  const layout: Layout = LAYOUTS[name];

  describe(`installed by ${name} on Node ${major}`, () => {
    let project: string;
    let service: string;
    let env: Record<string, string>;
    let incomplete: string | undefined;

    beforeAll(async () => {
      if (registry === undefined || skipped !== undefined) return;
      env = await environmentOf(await findNodeHere(major), major);
      project = join(directory, `my ${name} project on ${major}`);
      service = join(directory, `my ${name} service on ${major}`);
      for (const folder of [project, service]) {
        await mkdir(folder);
        await beginProject(folder, layout, registry);
      }
      const [command = '', ...args] = layout.install;
      try {
        await run(command, [...args, 'originscope'], { cwd: project, env });
      } catch (error) {
        // Yarn resolves the optional packages of every platform, which a mirror may lack.
        incomplete = /YN0035: │ (\S+): Package not found/.exec(Object(error).stdout)?.[1];
        if (incomplete === undefined) throw error;
        return;
      }
      // What the README says.
      const packages = ['@originscope/instrumentation-cors', '@opentelemetry/api'];
      await run(command, [...args, ...packages], { cwd: service, env });
      for (const program of SERVICES) await cp(join(PROGRAMS, program), join(service, program));
    }, 600_000);
    beforeEach(({ skip }) => {
      if (incomplete !== undefined) skip(`the configured registry lacks ${incomplete}`);
    });
    afterAll(async () => {
      for (const folder of [project, service]) {
        if (folder !== undefined) await rm(folder, { recursive: true, force: true });
      }
    });

    const originscope = (...args: string[]) => {
      const [command = '', ...first] = layout.runner;
      return run(command, [...first, 'originscope', ...args], { cwd: project, env });
    };

    whenLong('every command is there, and needs nothing that is not declared', async () => {
      expect((await originscope('--version')).stdout.trim()).toBe(metadata.version);
      // Each loads what it needs.
      for (const command of ['up', 'receive', 'consume', 'analyze', 'dashboards', 'probe']) {
        expect((await originscope(command, '--help')).stdout).toContain(`Usage: originscope ${command}`);
      }
      await originscope('dashboards', 'export', '--grafana', 'grafana', '--prometheus', 'prometheus');
      expect(await readdir(join(project, 'prometheus'))).toContain('rules.yml');
    });

    whenLong('the demo agrees with its browsers', async () => {
      const { stdout } = await originscope('demo', '--exit', '--seconds', '2');
      expect(stdout).toMatch(/✔ Self-check: .*\n.* equals what ClickHouse holds, exactly\./);
    });

    test('a service is observed by two lines, and the hint of up is the command that shows it', async () => {
      const [command = '', ...first] = layout.runner;
      const up = start(command, [...first, 'originscope', 'up', '--port', '0', '--data', 'my data'], {
        cwd: project,
        env,
        isGroup: true,
      });
      const url = / OTLP to (\S+),/.exec(await up.line())?.[1] ?? '';
      const hint = /^Then: (.*)$/.exec(await up.line())?.[1] ?? '';
      for (const program of SERVICES) {
        const options = program.startsWith('server') ? REGISTER : [];
        const app = start('node', [...options, program], {
          cwd: service,
          env: { ...env, OTEL_SERVICE_NAME: program, ORIGINSCOPE_ENDPOINT: url },
        });
        const address = `http://127.0.0.1:${await app.line()}`;
        for (let i = 0; i < 3; i++) await ask(address, { headers: crossOrigin() });
        await ask(`${address}/stop`);
        const { code, stderr } = await app.ended;
        expect({ code, stderr }, program).toEqual({ code: 0, stderr: '' });
      }

      const { stdout, stderr } = await run('sh', ['-c', hint], { cwd: project, env });
      expect(stderr).toBe('');
      for (const program of SERVICES) expect(stdout).toMatch(new RegExp(`${program} +3 `));
      up.kill('SIGTERM');
      expect((await up.ended).stdout).toContain('Shutting down');
    });
  });
}

const describeWhenLong = isLong ? describe : () => undefined;

describeWhenLong('installed globally', () => {
  let env: Record<string, string>;
  let elsewhere: string;

  beforeAll(async () => {
    if (registry === undefined || skipped !== undefined) return;
    elsewhere = join(directory, 'some other directory');
    await mkdir(elsewhere);
    const prefix = join(directory, 'global prefix');
    env = await environmentOf(process.execPath, '24');
    await run('npm', ['install', '--global', '--prefix', prefix, '--registry', registry.url, 'originscope'], {
      env,
    });
    env = { ...env, PATH: `${join(prefix, 'bin')}${delimiter}${env.PATH}` };
  }, 600_000);
  afterEach(() => rm(join(elsewhere, '.originscope'), { recursive: true, force: true }));

  test('it is called by its name from any directory, and so are its hints', async () => {
    const up = start('originscope', ['up', '--port', '0'], { cwd: elsewhere, env });
    expect(await up.line()).toContain('originscope is up');
    const hint = /^Then: (.*)$/.exec(await up.line())?.[1] ?? '';
    expect(hint).toBe('originscope report');
    const { stdout } = await run('sh', ['-c', hint], { cwd: elsewhere, env });
    // Its own hints run as they stand, too.
    expect(stdout).toContain('originscope up');
    expect(stdout).toContain('npm install @originscope/instrumentation-cors @opentelemetry/api');
    up.kill('SIGTERM');
    expect(await up.ended).toMatchObject({ code: 0 });
  });
});
