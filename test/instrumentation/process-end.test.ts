import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ask, crossOrigin } from '../support/ask.ts';
import { type FaultyReceiver, faultyReceiver } from '../support/faulty-receiver.ts';
import { startLoad } from '../support/load.ts';
import { type StartedProcess, start } from '../support/process.ts';
import { CERT, KEY } from '../support/tls.ts';
import { until } from '../support/until.ts';

/** A service's own way to end, and what asks it to: a signal, or GET /end. */
type Ending = readonly [ending: string, trigger: NodeJS.Signals | '/end'];

let receiver: FaultyReceiver;
beforeEach(async () => {
  receiver = await faultyReceiver();
});

describe('however a process ends, every decision arrives and its exit status is unchanged:', () => {
  test.each<Ending>([
    ['none', 'SIGTERM'],
    ['none', 'SIGINT'],
    ['none', 'SIGHUP'],
    ['none', 'SIGQUIT'],
    ['none', 'SIGUSR2'],
    ['exitAtOnce', 'SIGTERM'],
    ['exitAtOnce', 'SIGINT'],
    ['closeAndExit', 'SIGTERM'],
    ['closeAndExitCode', 'SIGTERM'],
    ['closeAndRaise', 'SIGTERM'],
    ['raiseLater', 'SIGTERM'],
    ['raiseAndExit', 'SIGTERM'],
    ['raiseIfAlone', 'SIGTERM'],
    ['throwInHandler', 'SIGTERM'],
    ['exit', '/end'],
    ['exitInExit', '/end'],
    ['throwInExit', '/end'],
    ['throw', '/end'],
    ['reject', '/end'],
    ['raise', '/end'],
    ['close', '/end'],
    ['closeWithCode', '/end'],
    ['pendingAwait', '/end'],
    ['beforeExit', '/end'],
  ])('%s at %s', async (ending, trigger) => {
    const expected = await statusOf(serve(ending), trigger, 0);

    const status = await statusOf(serveObserved(ending), trigger, 6);

    expect(status).toEqual(expected);
    expect(receiver.decisions).toBe(trigger === '/end' ? 7 : 6);
  });

  test.each<Ending>([
    ['none', 'SIGTERM'],
    ['exitAtOnce', 'SIGTERM'],
    ['closeAndExit', 'SIGTERM'],
    ['closeAndRaise', 'SIGTERM'],
    ['raiseLater', 'SIGTERM'],
    ['raiseIfAlone', 'SIGTERM'],
  ])('%s at %s, when nothing was observed', async (ending, trigger) => {
    const expected = await statusOf(serve(ending), trigger, 0);

    expect(await statusOf(serveObserved(ending), trigger, 0)).toEqual(expected);
    expect(receiver.bodies).toEqual([]);
  });
});

test.each<Ending>([
  ['none', 'SIGTERM'],
  ['exitAtOnce', 'SIGTERM'],
  ['closeAndExit', 'SIGTERM'],
  ['closeAndRaise', 'SIGTERM'],
  ['raiseIfAlone', 'SIGTERM'],
  ['exit', '/end'],
  ['throw', '/end'],
])('under load nothing is lost: %s at %s', async (ending, trigger) => {
  const service = serveObserved(ending);
  const url = `http://127.0.0.1:${await service.line()}`;
  const load = startLoad([url, url]);
  onTestFinished(() => load.stop());
  await until(() => load.answered > 100 && receiver.decisions > 0);

  if (trigger === '/end') await ask(`${url}/end`, { headers: crossOrigin() }).catch(() => {});
  else service.kill(trigger);
  await service.ended;
  load.stop();

  // An answer may have been decided that did not get through.
  expect(receiver.decisions).toBeGreaterThanOrEqual(load.answered);
  expect(receiver.decisions).toBeLessThanOrEqual(load.asked + 1);
});

describe('a process that ends while its receiver', () => {
  test.each<Ending>([
    ['none', 'SIGTERM'],
    ['exitAtOnce', 'SIGTERM'],
    ['closeAndExit', 'SIGTERM'],
    ['closeAndRaise', 'SIGTERM'],
    ['exit', '/end'],
    ['close', '/end'],
  ])('restarts delivers once it is back: %s at %s', async (ending, trigger) => {
    const status = await statusOf(serveObserved(ending), trigger, 6, () => {
      let refused = 0;
      receiver.behave(() => (++refused < 5 ? 'break' : 'accept'));
    });
    expect(status).toEqual(await statusOf(serve(ending), trigger, 0));
    expect(receiver.decisions).toBe(trigger === '/end' ? 7 : 6);
  });

  test.each<Ending>([
    ['none', 'SIGTERM'],
    ['exitAtOnce', 'SIGTERM'],
    ['exit', '/end'],
  ])('loses its responses counts once: %s at %s', async (ending, trigger) => {
    await statusOf(serveObserved(ending), trigger, 6, () => {
      let lost = 0;
      receiver.behave(() => (++lost < 3 ? 'keep_and_break' : 'accept'));
    });
    expect(receiver.decisions).toBe(trigger === '/end' ? 7 : 6);
    expect(receiver.bodies.length).toBeGreaterThan(1);
  });

  test('accepts only small bodies sends smaller ones', async () => {
    receiver.behave((spans) => (spans > 1 ? { status: 413 } : 'accept'));
    const service = serveObserved('exit', { ORIGINSCOPE_INTERVAL_MILLIS: '0' });
    await statusOf(service, '/end', 6);
    expect(receiver.decisions).toBe(7);
  });

  test.each<Ending>([
    ['none', 'SIGTERM'],
    ['exitAtOnce', 'SIGTERM'],
    ['closeAndRaise', 'SIGTERM'],
    ['exit', '/end'],
    ['close', '/end'],
  ])(
    'accepts but never responds ends with the same status, and logs what it lost: %s at %s',
    async (ending, trigger) => {
      const expected = await statusOf(serve(ending), trigger, 0);
      const service = serveObserved(ending, {
        ORIGINSCOPE_SHUTDOWN_TIMEOUT_MILLIS: '200',
        ORIGINSCOPE_EXIT_TIMEOUT_MILLIS: '100',
      });
      const status = await statusOf(service, trigger, 6, () => receiver.behave(() => 'hang'));
      expect(status).toEqual(expected);
      const { stderr } = await service.ended;
      expect(stderr).toMatch(/OriginscopeWarning: .* ends with \d unsent decisions.*ORIGINSCOPE_SPOOL/);
    },
  );
});

test('a repeated signal counts once, and so does an immediate second Ctrl+C', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    receiver = await faultyReceiver();
    const service = serveObserved('none');
    const status = await statusOf(service, signal, 6, () => {
      let refused = 0;
      receiver.behave(() => {
        service.kill(signal);
        return ++refused < 3 ? 'break' : 'accept';
      });
    });
    expect(status).toEqual({ code: null, signal });
    expect(receiver.decisions).toBe(6);
  }
});

test('preloaded modules are loaded once, even when it exits with unsent spans', async () => {
  const preload = "--import data:text/javascript,process._rawDebug('preloaded')";
  const service = serveObserved('exit', { NODE_OPTIONS: preload });
  await statusOf(service, '/end', 6);
  expect((await service.ended).stderr).toBe('preloaded\n');
  expect(receiver.decisions).toBe(7);
});

test('an https receiver gets the last batch like any other: certificate, headers, path', async () => {
  receiver = await faultyReceiver({ cert: CERT, key: KEY });
  const directory = mkdtempSync(join(tmpdir(), 'originscope-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'ca.pem'), CERT);
  const service = serveObserved('exit', {
    ORIGINSCOPE_ENDPOINT: `${receiver.url}/base`,
    ORIGINSCOPE_HEADERS: 'authorization=Bearer%20secret',
    OTEL_EXPORTER_OTLP_CERTIFICATE: join(directory, 'ca.pem'),
  });
  await statusOf(service, '/end', 6);
  expect(receiver.decisions).toBe(7);
  for (const { url, headers } of receiver.requests) {
    expect({ url, ...headers }).toMatchObject({
      url: '/base/v1/traces',
      authorization: 'Bearer secret',
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
  }
});

test('a process that may not start threads ends with the same status, and logs what to allow', async () => {
  const service = start(
    process.execPath,
    ['--permission', '--allow-fs-read=*', '--import', REGISTER, PROGRAM, 'exit'],
    { env: { ORIGINSCOPE_ENDPOINT: receiver.url } },
  );
  expect(await statusOf(service, '/end', 6)).toEqual({ code: 3, signal: null });
  expect((await service.ended).stderr).toMatch(/--allow-worker.*ORIGINSCOPE_SPOOL/);
});

function serve(ending: string): StartedProcess {
  return start(process.execPath, [PROGRAM, ending]);
}

function serveObserved(ending: string, env: Record<string, string> = {}): StartedProcess {
  return start(process.execPath, ['--import', REGISTER, PROGRAM, ending], {
    env: { ORIGINSCOPE_ENDPOINT: receiver.url, ...env },
  });
}

const PROGRAM = fileURLToPath(new URL('./programs/endings.mjs', import.meta.url));
const REGISTER = new URL('../../instrumentation/src/register.ts', import.meta.url).href;

/** How the service ends after so many requests. */
async function statusOf(
  service: StartedProcess,
  trigger: Ending[1],
  requests: number,
  beforeEnd: () => void = () => {},
) {
  const url = `http://127.0.0.1:${await service.line()}`;
  for (let i = 0; i < requests; i++) await ask(url, { headers: crossOrigin() });
  beforeEnd();
  // The process may end before the answer is complete.
  if (trigger === '/end') await ask(`${url}/end`, { headers: crossOrigin() }).catch(() => {});
  else service.kill(trigger);
  const { code, signal } = await service.ended;
  return { code, signal };
}
