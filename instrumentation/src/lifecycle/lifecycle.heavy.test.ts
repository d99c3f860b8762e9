import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { type FaultyReceiver, faultyReceiver } from '../../../test/support/faulty-receiver.ts';
import { type StartedProcess, start } from '../../../test/support/process.ts';

const PROGRAM = fileURLToPath(new URL('../../../test/support/recording-process.ts', import.meta.url));

let receiver: FaultyReceiver;
beforeEach(async () => {
  receiver = await faultyReceiver();
});

async function run(ending: string): Promise<StartedProcess> {
  const env = { ORIGINSCOPE_ENDPOINT: receiver.url };
  const service = start(process.execPath, [PROGRAM, ending], { env });
  expect(await service.line()).toBe('ready');
  return service;
}

describe('nothing is lost', () => {
  test('when a process has nothing left to do', async () => {
    const service = await run('returns');
    expect(await service.line()).toBe('recorded 42');
    expect(await service.ended).toMatchObject({ code: 0, signal: null });
    expect(receiver.decisions).toBe(42);
  });

  test('when the receiver comes back while the process ends', async () => {
    const service = await run('serves');
    let refused = 0;
    receiver.behave(() => (++refused < 4 ? 'break' : 'accept'));
    service.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(receiver.decisions).toBe(42);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('at %s, which still terminates the process', async (signal) => {
    const service = await run('serves');
    service.kill(signal);
    expect(await service.ended).toMatchObject({ code: null, signal });
    expect(receiver.decisions).toBe(42);
  });

  test('while the application drains after SIGTERM', async () => {
    const service = await run('drains');
    service.kill('SIGTERM');
    expect(await service.line()).toBe('recorded 50');
    expect(await service.ended).toMatchObject({ code: 0, signal: null });
    expect(receiver.decisions).toBe(50);
  });
});

describe('whether a signal ends the process does not change', () => {
  test('an application that ignores it stays', async () => {
    const service = await run('stays');
    service.kill('SIGTERM');
    expect(await service.line()).toBe('still here');
    service.kill('SIGTERM');
    expect(await service.line()).toBe('still here');
  });

  test('a clean-up package that raises it again when nothing else listens still does', async () => {
    const service = await run('cleansUp');
    service.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(receiver.decisions).toBe(42);
  });
});

test('a receiver that hangs does not keep a process from ending', async () => {
  const service = await run('serves');
  receiver.behave(() => 'hang');
  service.kill('SIGTERM');
  expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
});
