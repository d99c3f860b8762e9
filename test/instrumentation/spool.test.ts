import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ask, crossOrigin } from '../support/ask.ts';
import { type FaultyReceiver, faultyReceiver } from '../support/faulty-receiver.ts';
import { type StartedProcess, start } from '../support/process.ts';
import { until } from '../support/until.ts';

const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));
const REGISTER = new URL('../../instrumentation/src/register.ts', import.meta.url).href;

let receiver: FaultyReceiver;
let spool: string;
beforeEach(async () => {
  receiver = await faultyReceiver();
  const directory = mkdtempSync(join(tmpdir(), 'originscope-spool-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  spool = join(directory, 'spool');
});

const files = () => readdirSync(spool).map((name) => join(spool, name));

describe('what is not accepted in time', () => {
  test.each([
    ['none', 'SIGTERM'],
    ['exitAtOnce', 'SIGTERM'],
    ['closeAndRaise', 'SIGTERM'],
    ['exit', '/end'],
    ['throw', '/end'],
    ['close', '/end'],
  ] as const)('is kept for the next process, with its own ids: %s at %s', async (ending, trigger) => {
    receiver.behave(() => 'break');
    const decisions = await serveAndEnd(ending, trigger);
    const kept = files().map((path) => readFileSync(path));
    expect(kept).not.toEqual([]);
    expect(statSync(spool).mode & 0o777).toBe(0o700);
    for (const path of files()) expect(statSync(path).mode & 0o777).toBe(0o600);

    receiver.behave(() => 'accept');
    serve('none');
    await until(() => files().length === 0);

    expect(receiver.decisions).toBe(decisions);
    for (const body of kept) expect(receiver.bodies.some((sent) => sent.equals(body))).toBe(true);
  });

  test('counts once when it was accepted and only the response was lost', async () => {
    receiver.behave(() => 'keep_and_break');
    const decisions = await serveAndEnd('exit', '/end');
    receiver.behave(() => 'accept');
    serve('none');
    await until(() => files().length === 0);
    expect(receiver.decisions).toBe(decisions);
  });

  test('of worker threads is kept, too', async () => {
    receiver.behave(() => 'break');
    const service = run(['threads.mjs', 'exit']);
    const ports = (await service.line()).split(' ');
    for (const port of ports) await ask(`http://127.0.0.1:${port}`, { headers: crossOrigin() });
    service.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 143 });

    receiver.behave(() => 'accept');
    serve('none');
    await until(() => files().length === 0);
    expect(receiver.decisions).toBe(3);
  });

  test('is sent by a process that has nothing else to do', async () => {
    receiver.behave(() => 'break');
    const decisions = await serveAndEnd('exit', '/end');
    receiver.behave(() => 'accept');
    expect(await run(['nothing.mjs']).ended).toMatchObject({ code: 0, stderr: '' });
    expect(receiver.decisions).toBe(decisions);
    expect(files()).toEqual([]);
  });

  test('stays in the spool until the receiver is back, and is then sent', async () => {
    receiver.behave(() => 'break');
    const decisions = await serveAndEnd('exit', '/end');
    let refused = 0;
    receiver.behave(() => (++refused < 3 ? 'break' : 'accept'));
    serve('none');
    await until(() => files().length === 0);
    expect(receiver.decisions).toBe(decisions);
  });
});

describe('a file of the spool', () => {
  let count: number;
  beforeEach(async () => {
    receiver.behave(() => 'break');
    await serveAndEnd('exit', '/end');
    count = files().length;
    expect(count).toBeGreaterThan(0);
  });

  test('counts once when several processes find it at once', async () => {
    receiver.behave(() => 'accept');
    for (let n = 0; n < 3; n++) serve('none');
    await until(() => files().length === 0);
    expect(receiver.decisions).toBe(7);
  });

  test('survives a process that is killed while sending it, and is sent by the next one', async () => {
    receiver.behave(() => 'hang');
    const killed = serve('none');
    await until(() => receiver.hanging === 1);
    killed.kill('SIGKILL');
    await killed.ended;
    expect(files()).toHaveLength(count);

    receiver.behave(() => 'accept');
    serve('none');
    await until(() => files().length === 0);
    expect(receiver.decisions).toBe(7);
  });

  test('is kept when the receiver rejects it', async () => {
    receiver.behave(() => ({ status: 401 }));
    const refused = run(['nothing.mjs']);
    expect(await refused.ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/status 401/) });
    expect(files()).toHaveLength(count);
  });
});

describe('a file that is older than 48 hours, or whose process had a wrong clock,', () => {
  beforeEach(async () => {
    receiver.behave(() => 'break');
    await serveAndEnd('exit', '/end');
    for (const path of files()) renameSync(path, path.replace(/\d{13}-/, '1000000000000-'));
  });

  test('is sent like any other', async () => {
    receiver.behave(() => 'accept');
    expect(await run(['nothing.mjs']).ended).toMatchObject({ code: 0, stderr: '' });
    expect(receiver.decisions).toBe(7);
    expect(files()).toEqual([]);
  });

  test('is deleted and reported when the receiver does not accept it', async () => {
    receiver.behave(() => ({ status: 400 }));
    expect(await run(['nothing.mjs']).ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/was not accepted for 48 hours and is deleted/),
    });
    expect(files()).toEqual([]);
  });
});

describe('unsent spans are lost and reported', () => {
  beforeEach(() => receiver.behave(() => 'break'));

  test('when the spool cannot be written', async () => {
    writeFileSync(spool, 'a file');
    const service = serve('exit');
    await end(service, '/end');
    const { code, stderr } = await service.ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/the spool .* cannot be used .*ORIGINSCOPE_SPOOL/);
    expect(stderr).toMatch(/ends with 7 unsent decisions/);
  });

  test('when the spool is full', async () => {
    await serveAndEnd('exit', '/end');
    const before = files();
    for (const path of before) truncateSync(path, 64 * 2 ** 20);
    const service = serve('exit');
    await end(service, '/end');
    const { code, stderr } = await service.ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/the spool .* is full/);
    expect(stderr).toMatch(/ends with 7 unsent decisions/);
    expect(files()).toHaveLength(before.length);
  });
});

test('a killed process loses only decisions counted after its last batch', async () => {
  const service = serve('none');
  const url = `http://127.0.0.1:${await service.line()}`;
  await ask(url, { headers: crossOrigin() });
  await until(() => receiver.decisions === 1);
  for (let i = 0; i < 5; i++) await ask(url, { headers: crossOrigin() });
  service.kill('SIGKILL');
  expect(await service.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(receiver.decisions).toBe(1);
});

test('spans of a process that may not start threads are kept', async () => {
  const options = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];
  const service = run(['endings.mjs', 'exit'], options);
  await end(service, '/end');
  expect(await service.ended).toMatchObject({ code: 3 });
  expect(files()).not.toEqual([]);
});

function run(program: readonly string[], options: readonly string[] = []): StartedProcess {
  const [file = '', ...args] = program;
  return start(process.execPath, [...options, '--import', REGISTER, join(PROGRAMS, file), ...args], {
    env: {
      ORIGINSCOPE_ENDPOINT: receiver.url,
      ORIGINSCOPE_SPOOL: spool,
      ORIGINSCOPE_SHUTDOWN_TIMEOUT_MILLIS: '200',
      ORIGINSCOPE_EXIT_TIMEOUT_MILLIS: '200',
    },
  });
}

const serve = (ending: string) => run(['endings.mjs', ending]);

/** Returns how many decisions the service took before it ended. */
async function serveAndEnd(ending: string, trigger: NodeJS.Signals | '/end'): Promise<number> {
  return end(serve(ending), trigger);
}

async function end(service: StartedProcess, trigger: NodeJS.Signals | '/end'): Promise<number> {
  const url = `http://127.0.0.1:${await service.line()}`;
  for (let i = 0; i < 6; i++) await ask(url, { headers: crossOrigin() });
  if (trigger === '/end') await ask(`${url}/end`, { headers: crossOrigin() }).catch(() => {});
  else service.kill(trigger);
  await service.ended;
  return trigger === '/end' ? 7 : 6;
}
