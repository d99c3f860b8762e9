import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { ask, crossOrigin } from '../support/ask.ts';
import { receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { start } from '../support/process.ts';
import { findNode } from './nodes.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));

const REGISTER = '@originscope/instrumentation-cors/register';
const OPENTELEMETRY = '@opentelemetry/auto-instrumentations-node';
const OPENTELEMETRY_CJS = ['--import', `${OPENTELEMETRY}/register`];
/** It patches ECMAScript modules only with its loader. */
const OPENTELEMETRY_ESM = [
  '--experimental-loader=@opentelemetry/instrumentation/hook.mjs',
  ...OPENTELEMETRY_CJS,
];

/** The two lines of OpenTelemetry that services run; they need different versions of its API. */
const lines = {
  'OpenTelemetry 2.x / 0.2xx': {
    api: '~1.9.0',
    autoInstrumentations: '0.81.2',
    nodes: ['20', '24'],
  },
  'OpenTelemetry 3.x / 0.30x': {
    api: '~1.10.0',
    autoInstrumentations: '0.82.0',
    nodes: ['24'],
  },
} as const;

let directory: string;
let tarball: string;
/** Executables by major version. */
let nodes: Record<'20' | '24', string>;
let offline: string | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'originscope-packaging-'));
  await run('npm', ['run', 'build', '--workspace', 'instrumentation'], { cwd: ROOT });
  const pack = ['pack', '--json', '--workspace', 'instrumentation', '--pack-destination', directory];
  const { stdout } = await run('npm', pack, { cwd: ROOT });
  tarball = join(directory, JSON.parse(stdout)[0].filename);
  nodes = { 20: await findNode('20', directory, install), 24: process.execPath };
}, 120_000);
beforeEach(({ skip }) => {
  if (offline !== undefined) skip(offline);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

for (const [name, { api, autoInstrumentations, nodes: majors }] of Object.entries(lines)) {
  describe(name, () => {
    let project: string;

    beforeAll(async () => {
      project = join(directory, autoInstrumentations);
      await mkdir(project);
      await writeFile(join(project, 'package.json'), '{ "private": true }');
      for (const program of ['server.mjs', 'server.cjs', 'all-copies.mjs']) {
        await copyFile(join(PROGRAMS, program), join(project, program));
      }
      // Without --legacy-peer-deps or --force: a conflict of versions is an error.
      const packages = [`@opentelemetry/api@${api}`, `${OPENTELEMETRY}@${autoInstrumentations}`];
      await install(project, tarball, ...packages);
    }, 180_000);

    for (const major of majors) {
      test.each(['server.mjs', 'server.cjs'])(`Node ${major} observes %s alone`, async (program) => {
        const { decisions, stderr } = await observe(major, ['--import', REGISTER, program]);
        expect(stderr).toBe('');
        expect(decisions).toEqual({ acao_missing: 3 });
      });

      test.each([
        ['server.mjs', OPENTELEMETRY_ESM],
        ['server.cjs', OPENTELEMETRY_CJS],
      ])(
        `Node ${major} observes %s together with OpenTelemetry, whose HTTP spans get the verdict`,
        async (program, options) => {
          const { decisions, spans } = await observe(major, [...options, '--import', REGISTER, program]);
          expect(decisions).toEqual({ acao_missing: 3 });
          const httpSpans = spans.filter(({ attributes }) => attributes['cors.observed'] === true);
          expect(httpSpans.map(({ attributes }) => attributes['cors.reason'])).toEqual(
            Array(3).fill('acao_missing'),
          );
          const [decision] = spans.filter(({ scope }) => scope === SCOPE_NAME);
          expect(httpSpans.map(({ spanId }) => spanId)).toContain(decision?.links[0]?.spanId);
        },
      );
    }

    test('all copies loaded at once count once', async () => {
      const { decisions } = await observe('24', ['--import', REGISTER, 'all-copies.mjs']);
      expect(decisions).toEqual({ acao_missing: 3 });
    });

    test('its types work in ECMAScript modules, CommonJS, and with NodeSDK', async () => {
      for (const file of ['consumer.mts', 'consumer.cts']) {
        await copyFile(join(PROGRAMS, 'consumer.ts.txt'), join(project, file));
      }
      const compilerOptions = {
        strict: true,
        module: 'nodenext',
        noEmit: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [join(ROOT, 'node_modules/@types')],
      };
      const config = { compilerOptions, files: ['consumer.mts', 'consumer.cts'] };
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config));

      await expect(run('tsc', ['--project', project])).resolves.toEqual({ stdout: '', stderr: '' });
    });

    /** Starts the program, has a page of another site ask three times, lets it end; what was received by then. */
    async function observe(major: keyof typeof nodes, args: readonly string[]) {
      const receiver = await receiveOtlpJson();
      onTestFinished(() => receiver.close());
      const service = start(nodes[major], args, {
        cwd: project,
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
          OTEL_METRICS_EXPORTER: 'none',
          OTEL_LOGS_EXPORTER: 'none',
          OTEL_NODE_RESOURCE_DETECTORS: 'none',
        },
      });
      const url = `http://127.0.0.1:${await service.line()}`;
      for (let i = 0; i < 3; i++) await ask(url, { headers: crossOrigin() });
      await ask(`${url}/stop`);
      const { code, stderr } = await service.ended;
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return { decisions: receiver.decisions(), spans: receiver.spans, stderr };
    }
  });
}

async function install(project: string, ...packages: readonly string[]): Promise<void> {
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  try {
    await run('npm', ['install', ...options, ...packages], { cwd: project });
  } catch (error) {
    if (!/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b/.test(String(error))) throw error;
    offline = 'the npm registry cannot be reached: connect to it, or point npm to a mirror';
  }
}
