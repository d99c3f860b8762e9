import { join } from 'node:path';
import { expect, test } from 'vitest';
import { start } from '../support/process.ts';

/** With more: `npm run test:simulation -- --seeds 5000`. */
const ARGS = ['--seeds', '50', '--processes', '2'];

test('acknowledged spans are counted once or reported as left out, for any clocks, crashes and failures', async () => {
  const simulation = start(process.execPath, [join(import.meta.dirname, 'run.ts'), ...ARGS], {
    env: { TMPDIR: process.env.TMPDIR ?? '/tmp' },
    isGroup: true,
  });
  const { code, stdout, stderr } = await simulation.ended;
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: '25 of 25 seeds hold\n25 of 25 seeds hold\n',
    stderr: '',
  });
}, 600_000);
