import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { simulate } from './run-histories.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`Simulates publication with injected clocks, crashes and failing statements.

  --seeds <number>   how many histories (default 200)
  --first <number>   the first seed (default 1); a failing one is printed, and --first N --seeds 1 repeats it`);
  process.exit(0);
}
const directory = await mkdtemp(join(tmpdir(), 'originscope-simulation-'));
const from = Number(values.first);
const count = Number(values.seeds);
let failures = 0;
try {
  failures = await simulate({
    directory,
    seeds: Array.from({ length: count }, (_, index) => from + index),
    report: (line) => console.log(line),
  });
} finally {
  await rm(directory, { recursive: true, force: true });
}
console.log(`${count - failures} of ${count} seeds hold`);
process.exit(failures > 0 ? 1 : 0);
