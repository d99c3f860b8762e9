import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { instrumentationInstall, programOf, type Start } from './program.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'originscope program-')));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const script = join(directory, 'lib/originscope.js');
const bin = join(directory, 'bin');
for (const folder of ['lib', 'bin', 'project']) mkdirSync(join(directory, folder));
writeFileSync(script, '');
chmodSync(script, 0o755);
symlinkSync(script, join(bin, 'originscope'));
symlinkSync(process.execPath, join(bin, 'node'));

const start = (given: Partial<Start> = {}): string =>
  programOf({
    script,
    node: process.execPath,
    workingDirectory: join(directory, 'project'),
    environment: {},
    ...given,
  });

describe('the program is called as it was started', () => {
  test.each([
    ['npm/11.6.0 node/v24.0.0 linux x64', 'npx originscope'],
    ['pnpm/12.0.0 npm/? node/v24.0.0 linux x64', 'pnpm exec originscope'],
    ['yarn/4.18.0 npm/? node/v24.0.0 linux x64', 'yarn originscope'],
    ['bun/1.3.0 npm/? node/v24.0.0 linux x64', 'bunx originscope'],
  ])('by %s', (agent, expected) => {
    expect(start({ environment: { npm_config_user_agent: agent, PATH: bin } })).toBe(expected);
  });

  test('by a package manager that fetched it for one run', () => {
    const fetched = '/home/dev/.cache/pnpm/dlx/4f3a/node_modules/originscope/cli/originscope.js';
    const environment = { npm_config_user_agent: 'pnpm/12.0.0' };
    expect(start({ script: fetched, environment })).toBe('pnpm dlx originscope');
  });

  test('by npm start from another folder: relative paths in the hint mean the same', () => {
    const environment = { npm_config_user_agent: 'npm/11.6.0', INIT_CWD: directory };
    expect(start({ environment })).toBe(`cd '${join(directory, 'project')}' && npx originscope`);
  });

  test('by its name, where a shell finds it under this name', () => {
    expect(start({ environment: { PATH: `/nowhere:${bin}` } })).toBe('originscope');
  });

  test('by Node and its path, where it is not on the PATH, or another one is', () => {
    const other = join(directory, 'lib/other.js');
    writeFileSync(other, '');
    expect(start({ script: other, environment: { PATH: bin } })).toBe(`node '${other}'`);
    expect(start({ script: other, workingDirectory: directory, environment: {} })).toBe(
      `${process.execPath} lib/other.js`,
    );
  });
});

test('the instrumentation is installed from the clone that the program runs in, else from the registry', () => {
  expect(instrumentationInstall(import.meta.dirname)).toMatch(
    /^npm install --install-links \S*instrumentation'? @opentelemetry\/api$/,
  );
  expect(instrumentationInstall(join(directory, 'node_modules/originscope/dist/cli'))).toBe(
    'npm install @originscope/instrumentation-cors @opentelemetry/api',
  );
});
