import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { ask, crossOrigin } from '../support/ask.ts';
import { type FaultyReceiver, faultyReceiver } from '../support/faulty-receiver.ts';
import { type StartedProcess, start } from '../support/process.ts';

/** A service's own way to end, and what asks it to: a signal, or GET /end. */
type Ending = readonly [ending: string, trigger: NodeJS.Signals | '/end'];

let receiver: FaultyReceiver;
beforeEach(async () => {
  receiver = await faultyReceiver();
});

describe('whatever ends a process, every decision arrives and the status is the one without us:', () => {
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
async function statusOf(service: StartedProcess, trigger: Ending[1], requests: number) {
  const url = `http://127.0.0.1:${await service.line()}`;
  for (let i = 0; i < requests; i++) await ask(url, { headers: crossOrigin() });
  // The process may end before the answer is complete.
  if (trigger === '/end') await ask(`${url}/end`, { headers: crossOrigin() }).catch(() => {});
  else service.kill(trigger);
  const { code, signal } = await service.ended;
  return { code, signal };
}
