import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { faultyReceiver } from '../support/faulty-receiver.ts';
import { startLoad } from '../support/load.ts';
import { start } from '../support/process.ts';
import { until } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('./programs/threads.mjs', import.meta.url));
const REGISTER = new URL('../../instrumentation/src/register.ts', import.meta.url).href;

test.each([
  ['the signal ends the process', 'none', { code: null, signal: 'SIGTERM' }],
  ['the main thread exits at once', 'exit', { code: 143, signal: null }],
  ['the main thread terminates them', 'terminate', { code: 0, signal: null }],
  ['the main thread has nothing left to do', 'unref', { code: 0, signal: null }],
  ['the main thread raises the signal again', 'raiseLater', { code: null, signal: 'SIGTERM' }],
  ['they exit themselves', 'exitInWorkers', { code: 0, signal: null }],
])('worker threads under load lose nothing when %s', async (_, ending, status) => {
  const receiver = await faultyReceiver();
  const service = start(process.execPath, ['--import', REGISTER, PROGRAM, ending], {
    env: { ORIGINSCOPE_ENDPOINT: receiver.url },
  });
  const ports = (await service.line()).split(' ');
  const load = startLoad(ports.map((port) => `http://127.0.0.1:${port}`));
  onTestFinished(() => load.stop());
  await until(() => load.answered > 100 && receiver.decisions > 0);

  service.kill('SIGTERM');

  expect(await service.ended).toMatchObject({ ...status, stderr: '' });
  load.stop();
  // An answer may have been decided that did not get through.
  expect(receiver.decisions).toBeGreaterThanOrEqual(load.answered);
  expect(receiver.decisions).toBeLessThanOrEqual(load.asked);
});
