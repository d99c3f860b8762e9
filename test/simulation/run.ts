import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { simulate } from './run-histories.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    processes: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`Simulates publication with injected clocks, crashes and failing statements.

  --seeds <number>      how many histories (default 200)
  --first <number>      the first seed (default 1); a failing one is printed, and --first N --seeds 1 repeats it
  --processes <number>  processes that share the seeds (default 1), each with an engine of half a gigabyte`);
  process.exit(0);
}
const first = Number(values.first);
const seeds = Number(values.seeds);
const processes = Number(values.processes);
process.exit((await (processes > 1 ? sharedOut() : here())) ? 0 : 1);

/** @returns whether all seeds hold */
async function here(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-simulation-'));
  try {
    const failures = await simulate({
      directory,
      seeds: Array.from({ length: seeds }, (_, index) => first + index),
      report: (line) => console.log(line),
    });
    console.log(`${seeds - failures} of ${seeds} seeds hold`);
    return failures === 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function sharedOut(): Promise<boolean> {
  const bounds = Array.from({ length: processes + 1 }, (_, index) => Math.floor((index * seeds) / processes));
  const ended = await Promise.all(
    bounds.slice(1).map(async (end, index) => {
      const start = bounds[index] ?? 0;
      const args = ['--first', String(first + start), '--seeds', String(end - start)];
      const child = spawn(process.execPath, [import.meta.filename, ...args], { stdio: 'inherit' });
      const [code] = (await once(child, 'exit')) as [number | null];
      return code === 0;
    }),
  );
  return ended.every(Boolean);
}
