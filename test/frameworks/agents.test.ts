import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeUnless } from '../support/describe-unless.ts';
import { faultyReceiver } from '../support/faulty-receiver.ts';
import { receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { start } from '../support/process.ts';
import { APPS, PACKAGES, whyNoPackages } from './applications.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

beforeAll(() => run('npm', ['run', 'build', '--workspace', 'instrumentation'], { cwd: ROOT }), 60_000);

/** They trace what the process sends: never the requests to our receiver. */
describeUnless(whyNoPackages('dd-trace', '@sentry/node'), 'agents of other vendors', () => {
  test.each([
    ['Sentry', 'sentry.mjs'],
    ['dd-trace', 'dd-trace.cjs'],
  ])('%s traces the requests of the application, and not those to the receiver', async (_name, program) => {
    const { url, requests } = await faultyReceiver();

    const app = start(process.execPath, [program], {
      cwd: APPS,
      env: { ORIGINSCOPE_ENDPOINT: url },
    });
    const { code, stdout, stderr } = await app.ended;

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('/own');
    expect(stdout).not.toContain(new URL(url).port);
    expect(requests.length).toBeGreaterThan(0);
    const expected = ['connection', 'content-encoding', 'content-length', 'content-type', 'host'];
    for (const { headers } of requests) expect(Object.keys(headers).sort()).toEqual(expected);
  });
});

const bun = bunExecutable();

describeUnless(whyNoBun(), 'Bun', () => {
  test('says at start that servers are not observed; observe() works', async () => {
    const receiver = await receiveOtlpJson();
    onTestFinished(() => receiver.close());

    const app = start(bun ?? '', ['bun.mjs'], { cwd: APPS, env: { ORIGINSCOPE_ENDPOINT: receiver.url } });
    const { code, stderr } = await app.ended;

    expect(code).toBe(0);
    expect(stderr).toMatch(/OriginscopeWarning.*Bun does not publish.*observe\(\)/);
    expect(receiver.decisions()).toEqual({ acao_missing: 1 });
  });
});

function whyNoBun(): string | undefined {
  if (bun !== undefined) return undefined;
  return whyNoPackages('bun') ?? 'the package of Bun brought no executable for this platform';
}

/** An install script moves the executable of the platform into its own package, where scripts may run. */
function bunExecutable(): string | undefined {
  const platforms = join(PACKAGES, '@oven');
  const installed = existsSync(platforms) ? readdirSync(platforms) : [];
  return [
    ...installed.flatMap((name) => ['bun', 'bun.exe'].map((file) => join(platforms, name, 'bin', file))),
    ...(installed.length > 0 ? [join(PACKAGES, 'bun/bin/bun.exe')] : []),
  ].find((file) => existsSync(file));
}
