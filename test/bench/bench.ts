import { readdirSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';

/** `npm run bench -- NAME [arguments]`: runs test/bench/NAME.ts, which exports `run(args)`. */
interface Benchmark {
  run(args: string[]): Promise<void>;
}

const SELF = 'bench';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -3))
  .filter((name) => name !== SELF);

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [arguments]\nNAME is one of: ${names.join(', ')}`);
  process.exit(name === undefined || name === '--help' ? 0 : 2);
}
console.log(
  `${name}: Node ${process.version}, ${platform()}/${arch()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${new Date().toISOString().slice(0, 10)}`,
);
const benchmark: Benchmark = await import(`./${name}.ts`);
await benchmark.run(args);
