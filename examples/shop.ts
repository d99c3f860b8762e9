import { parseArgs } from 'node:util';
import { Ledger } from './browsers/ledger.ts';
import { browse } from './browsers/traffic.ts';
import { startServices } from './services.ts';

/**
 * `npm run shop [-- --seconds 20]`: the example services and browsers that use them, for this long or until
 * stopped. They report to ORIGINSCOPE_ENDPOINT.
 */
const THINK_MILLIS = 500;

const { ORIGINSCOPE_ENDPOINT = 'http://127.0.0.1:4318', ORIGINSCOPE_HEADERS: headers } = process.env;
const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
const stopping = new AbortController();
if (values.seconds !== undefined) setTimeout(() => stopping.abort(), Number(values.seconds) * 1_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

const services = await startServices(ORIGINSCOPE_ENDPOINT, { headers });
console.log(`Three services report to ${ORIGINSCOPE_ENDPOINT}; browsers use them.`);
try {
  await browse({
    services: services.urls,
    ledger: new Ledger(),
    thinkMillis: THINK_MILLIS,
    signal: stopping.signal,
    now: Date.now,
  });
} catch (error) {
  // Errors caused by the shutdown itself are not reported.
  if (!stopping.signal.aborted) throw error;
} finally {
  await services.stop();
}
