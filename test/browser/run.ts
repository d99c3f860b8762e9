import { parseArgs } from 'node:util';
import { runInChromium } from './in-chromium.ts';
import { runInFirefox } from './in-firefox.ts';

/**
 * The long differential runs, over the named cases and random ones: `npm run test:browser -- --cases 10000
 * --seed 1`, and `npm run test:browser -- --firefox`. With `--record` Firefox's messages and its HAR of the
 * named cases become the fixtures that `originscope explain` is tested with.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    firefox: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const agrees = values.firefox
  ? await runInFirefox({ cases: Number(values.cases ?? 1_000), seed, isRecorded: values.record })
  : await runInChromium({ cases: Number(values.cases ?? 10_000), seed });
process.exitCode = agrees ? 0 : 1;
