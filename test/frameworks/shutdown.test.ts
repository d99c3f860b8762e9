import { execFile } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { ask, crossOrigin, preflight } from '../support/ask.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { freePort } from '../support/free-port.ts';
import { receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { start } from '../support/process.ts';
import { APPS, type Application, applications, type Build, whyNoPackages } from './applications.ts';

/**
 * Frameworks have their own handlers for SIGTERM and SIGINT: they exit, or raise the signal again. In all
 * cases, every decision arrives, and the process ends as without the instrumentation.
 */

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const REGISTER = '@originscope/instrumentation-cors/register';

const ENVIRONMENT = {
  // Commands of frameworks start the Node that is found first.
  PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
  NODE_ENV: 'production',
  NEXT_TELEMETRY_DISABLED: '1',
  NUXT_TELEMETRY_DISABLED: '1',
};

beforeAll(() => run('npm', ['run', 'build', '--workspace', 'instrumentation'], { cwd: ROOT }), 60_000);

for (const [name, application] of Object.entries(applications)) {
  describeUnless(application.isSeparate ? whyNoPackages() : undefined, name, () => {
    beforeAll(() => application.build && buildOnce(application.build), 180_000);

    test.each([
      { signal: 'SIGTERM', requests: 'after six cross-origin requests' },
      { signal: 'SIGINT', requests: 'after six cross-origin requests' },
      { signal: 'SIGTERM', requests: 'without a request' },
    ] as const)('$signal $requests', async ({ signal, requests }) => {
      const hasRequests = requests !== 'without a request';
      const [observed, alone] = await Promise.all([
        runUntil(signal, application, hasRequests, true),
        runUntil(signal, application, hasRequests, false),
      ]);
      const six = application.decisions ?? { allowed: 4, acao_missing: 2 };
      const { routes, ...rest } = observed;
      expect(rest).toEqual({ end: alone.end, decisions: hasRequests ? six : {} });
      if (application.route !== undefined && hasRequests) expect(routes).toEqual([application.route]);
    });
  });
}

/** Starts it, asks it six times if `hasRequests`, sends the signal at once, and says how it ended. */
async function runUntil(
  signal: 'SIGTERM' | 'SIGINT',
  application: Application,
  hasRequests: boolean,
  isObserved: boolean,
) {
  const receiver = await receiveOtlpJson();
  onTestFinished(() => receiver.close());
  const port = await freePort();
  const service = startApplication(application, isObserved, {
    PORT: String(port),
    HOST: '127.0.0.1',
    HOSTNAME: '127.0.0.1',
    ORIGINSCOPE_ENDPOINT: receiver.url,
  });
  let line: string;
  do line = await service.line();
  while (!application.ready.test(line));

  if (hasRequests) await askSixTimes(`http://127.0.0.1:${port}${application.path ?? '/items'}`);
  service.kill(signal);
  const { code, signal: endedBy, stdout, stderr } = await service.ended;
  const saidAtTheEnd = stdout.slice(stdout.indexOf(line) + line.length);
  return {
    end: { code, signal: endedBy, saidAtTheEnd, stderr },
    decisions: receiver.decisions(),
    // Preflights may be answered before there is one.
    routes: [...new Set(receiver.spans.flatMap(({ attributes }) => attributes['http.route'] ?? []))],
  };
}

function startApplication(application: Application, isObserved: boolean, env: Record<string, string>) {
  const options = { cwd: join(APPS, application.directory), env: { ...ENVIRONMENT, ...env } };
  if ('command' in application.program) {
    const { command, args } = application.program;
    const nodeOptions = isObserved ? `--import ${REGISTER}` : '';
    return start(command, args, { ...options, env: { ...options.env, NODE_OPTIONS: nodeOptions } });
  }
  const imported = isObserved ? ['--import', REGISTER] : [];
  return start(process.execPath, [...imported, ...application.program], options);
}

/** What a page of the shop asks, with its preflight, and twice what a page asks that has no permission. */
async function askSixTimes(url: string): Promise<void> {
  // JSON, because Apollo Server rejects requests that a page may send without a preflight.
  const from = (origin: string) => ({
    headers: { ...crossOrigin(origin), 'content-type': 'application/json' },
  });
  const shop = 'https://shop.example';
  const requests = [
    preflight('GET', 'content-type', shop),
    ...Array(3).fill(from(shop)),
    ...Array(2).fill(from('https://other.example')),
  ];
  for (const request of requests) {
    const { status, body } = await ask(url, request);
    if (status >= 300) throw new Error(`${url} answered ${status}: ${body}`);
  }
}

const builds = new Map<string, Promise<unknown>>();

/** Builds once a run what several applications may share. */
function buildOnce({ directory, program }: Build): Promise<unknown> {
  let built = builds.get(directory);
  if (built === undefined) {
    built = run(process.execPath, program, { cwd: join(APPS, directory), env: ENVIRONMENT });
    builds.set(directory, built);
  }
  return built;
}
