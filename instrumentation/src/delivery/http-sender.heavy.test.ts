import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { faultyReceiver } from '../../../test/support/faulty-receiver.ts';
import { start } from '../../../test/support/process.ts';

const PROGRAM = fileURLToPath(new URL('../../../test/support/traced-process.ts', import.meta.url));

test("sending decisions is not part of the application's traces", async () => {
  const receiver = await faultyReceiver();
  const application = start(process.execPath, [PROGRAM], { env: { ORIGINSCOPE_ENDPOINT: receiver.url } });
  expect(await application.line()).toBe('sent');
  const [own, ours] = receiver.requests;
  expect(own?.headers.traceparent).toMatch(/-01$/);
  expect(ours?.url).toBe('/v1/traces');
  expect(ours?.headers).not.toHaveProperty('traceparent');
});
