import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { ask, crossOrigin } from '../support/ask.ts';
import { freePort } from '../support/free-port.ts';
import { type Receiver, receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { start } from '../support/process.ts';

/** Services and commands of docs/guides run as they stand there, and report what their tables say. */

const ROOT = join(import.meta.dirname, '../..');

const run = promisify(execFile);

beforeAll(() => run('npm', ['run', 'build', '--workspace', 'instrumentation'], { cwd: ROOT }), 60_000);

const guide = (name: string): Promise<string> => readFile(join(ROOT, `docs/guides/${name}.md`), 'utf8');

describe.each(['express', 'fastify', 'nest', 'hono'])('the guide of %s', (name) => {
  test('has a service that runs, and is reported as its table says', async () => {
    const markdown = await guide(name);
    const receiver = await received();
    const { url, stop } = await startService(markdown, commandOf(markdown), receiver);
    const { rows, path } = tableOf(markdown);
    for (const { page } of rows) await ask(`${url}${path}`, { headers: crossOrigin(page) });
    await stop();
    expect(reported(receiver)).toEqual(rows);
  });

  test('installs every package that its service imports', async () => {
    const markdown = await guide(name);
    const [, installed = ''] = /npm install (.*)/.exec(markdown) ?? [];
    const imported = [...codeOf(markdown).matchAll(/(?:from|import) '(@[\w-]+\/[\w-]+|[\w-]+)/g)].map(
      ([, name]) => name,
    );
    expect(imported.length).toBeGreaterThan(1);
    expect(imported.filter((name) => !installed.split(' ').includes(name ?? ''))).toEqual([]);
  });
});

test('the handler of the serverless guide is reported as its table says', async () => {
  const markdown = await guide('serverless');
  const directory = await project(markdown);
  const receiver = await received();
  const { rows, path } = tableOf(markdown);
  const call = `
    import { handler } from ${JSON.stringify(pathToFileURL(join(directory, 'handler.js')).href)};
    for (const headers of ${JSON.stringify(rows.map(({ page }) => crossOrigin(page)))})
      console.log((await handler(new Request('https://api.example${path}', { headers }))).status);`;
  const child = start(process.execPath, ['--input-type=module', '--eval', call], {
    cwd: directory,
    env: { ORIGINSCOPE_ENDPOINT: receiver.url },
  });
  expect(await child.ended).toMatchObject({ code: 0, stdout: '200\n200\n' });
  expect(reported(receiver)).toEqual(rows);
});

test.each([
  { trusted: true, decisions: 0 },
  { trusted: false, decisions: 1 },
])('a same-origin request through a proxy: trusted $trusted, $decisions decisions', async (each) => {
  const receiver = await received();
  const command = commandOf(await guide('behind-a-proxy'));
  const { url, stop } = await startService(
    await guide('express'),
    each.trusted ? command : command.replace(/ORIGINSCOPE_TRUST_PROXY=\S+ /, ''),
    receiver,
  );
  const headers = {
    origin: 'https://app.example',
    'x-forwarded-host': 'app.example',
    'x-forwarded-proto': 'https',
  };
  await ask(`${url}/orders/7`, { headers });
  await stop(each.trusted ? '' : 'trustProxy');
  expect(reported(receiver)).toHaveLength(each.decisions);
});

/** A build of Next.js takes too long; test/frameworks runs the same handler. */
test('the handler of the guide of Next.js is the one that the tests of frameworks run', async () => {
  const handler = await readFile(join(ROOT, 'test/frameworks/apps/next/app/items/route.js'), 'utf8');
  expect(codeOf(await guide('nextjs'))).toBe(`// app/items/route.js\n${handler}`);
});

async function received(): Promise<Receiver> {
  const receiver = await receiveOtlpJson();
  onTestFinished(() => receiver.close());
  return receiver;
}

interface Row {
  readonly page: string;
  readonly verdict: string;
  readonly reason: string;
  /** Absent where the guide does not say it. */
  readonly route?: string;
}

/** What a guide says is reported: the rows of its table, and the path of its head. */
function tableOf(markdown: string): { readonly rows: readonly Row[]; readonly path: string } {
  const lines = markdown.split('\n').filter((line) => line.startsWith('|'));
  const [, path = ''] = /`GET (\S+)`/.exec(lines[0] ?? '') ?? [];
  const rows = lines.slice(2).map((line) => {
    const [page = '', verdict = '', reason = '', route] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => /`([^`]+)`/.exec(cell)?.[1] ?? '');
    return route === undefined ? { page, verdict, reason } : { page, verdict, reason, route };
  });
  expect(rows).toHaveLength(2);
  return { rows, path };
}

function reported({ spans }: Receiver): unknown[] {
  return spans
    .filter(({ scope }) => scope === SCOPE_NAME)
    .map(({ attributes }) => {
      const row = {
        page: attributes['cors.origin'],
        verdict: attributes['cors.verdict'],
        reason: attributes['cors.reason'] ?? '',
      };
      return attributes['http.route'] === undefined ? row : { ...row, route: attributes['http.route'] };
    })
    .sort((one, other) => String(one.page).localeCompare(String(other.page)));
}

/** The first program of a guide. */
function codeOf(markdown: string): string {
  const [, code = ''] = /```[jt]s\n([\s\S]*?)```/.exec(markdown) ?? [];
  return code;
}

/** The command that starts it: the first that loads the instrumentation. */
function commandOf(markdown: string): string {
  const [, command = ''] = /```sh\n(.*--import @originscope.*)\n```/.exec(markdown) ?? [];
  return command;
}

/** A directory with the program, compiled if necessary, in which the packages of this repository are installed. */
async function project(markdown: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-guide-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  const code = codeOf(markdown);
  const [, file = ''] = /^\/\/ (\S+)/.exec(code) ?? [];
  await writeFile(join(directory, file), code);
  if (file.endsWith('.ts')) await compile(directory, file);
  return directory;
}

/** As a project of Nest is configured. */
async function compile(directory: string, file: string): Promise<void> {
  const options = ['--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--skipLibCheck'];
  const decorators = ['--experimentalDecorators', '--emitDecoratorMetadata'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  await run(tsc, [...options, ...decorators, file], { cwd: directory });
}

/** Starts it by the command of a guide; `stop` resolves when everything is reported. */
async function startService(markdown: string, command: string, receiver: Receiver) {
  const port = await freePort();
  // With exec, so that the signal reaches the service.
  const shell = command.replace(/^((?:\w+=\S+ )*)node /, `$1exec '${process.execPath}' `);
  const service = start('sh', ['-c', shell], {
    cwd: await project(markdown),
    env: { PORT: String(port), ORIGINSCOPE_ENDPOINT: receiver.url, NODE_ENV: 'test' },
  });
  expect(await service.line()).toBe('ready');
  return {
    url: `http://localhost:${port}`,
    /** @param warning part of what the service says */
    async stop(warning = '') {
      service.kill('SIGTERM');
      const stderr = warning === '' ? '' : expect.stringContaining(warning);
      expect(await service.ended).toMatchObject({ signal: 'SIGTERM', stderr });
    },
  };
}
