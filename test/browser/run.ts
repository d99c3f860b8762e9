import { parseArgs } from 'node:util';
import { runInChromium } from './in-chromium.ts';
import { runInEngine } from './run-engine.ts';

/**
 * The long differential runs, over the named cases and random ones: `npm run test:browser -- --cases 10000
 * --seed 1`, and `npm run test:browser -- --firefox` or `--webkit`. With `--record` Firefox's messages and its HAR of the
 * named cases become the fixtures that `originscope explain` is tested with.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    firefox: { type: 'boolean', default: false },
    webkit: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const browser = values.firefox ? 'firefox' : values.webkit ? 'safari' : undefined;
const agrees =
  browser === undefined
    ? await runInChromium({ cases: Number(values.cases ?? 10_000), seed })
    : await runInEngine({ browser, cases: Number(values.cases ?? 1_000), seed, isRecorded: values.record });
process.exitCode = agrees ? 0 : 1;
