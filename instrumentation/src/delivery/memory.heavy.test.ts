import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Behaviour, faultyReceiver } from '../../../test/support/faulty-receiver.ts';
import { start } from '../../../test/support/process.ts';

const PROGRAM = fileURLToPath(new URL('../../../test/support/memory-process.ts', import.meta.url));
const MAX_HEAP = 12 * 2 ** 20;

test.each<[string, string, Behaviour]>([
  ['an outage', 'day', 'break'],
  ['a flood of origins', 'flood', 'accept'],
  ['a flood of origins in an outage', 'flood', 'break'],
])('%s costs at most 12 MB of heap', async (_, traffic, behaviour) => {
  const receiver = await faultyReceiver();
  receiver.behave(() => behaviour);
  const env = { ORIGINSCOPE_ENDPOINT: receiver.url };
  const service = start(process.execPath, ['--expose-gc', PROGRAM, traffic], { env });
  const added = Number(await service.line());
  expect(added).toBeGreaterThan(0);
  expect(added).toBeLessThanOrEqual(MAX_HEAP);
});
