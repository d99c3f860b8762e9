import { PHASE_PRODUCTION_BUILD } from 'next/constants.js';

const root = new URL('../..', import.meta.url).pathname;

/** One build serves both: `next start`, and the server of its own that containers start. */
export default (phase) => ({
  output: phase === PHASE_PRODUCTION_BUILD ? 'standalone' : undefined,
  outputFileTracingRoot: root,
  turbopack: { root },
});
