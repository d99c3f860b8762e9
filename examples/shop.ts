import { Ledger } from './browsers/ledger.ts';
import { browse } from './browsers/traffic.ts';
import { startServices } from './services.ts';

/** The example services and browsers that use them, until told to stop. They report to ORIGINSCOPE_ENDPOINT. */
const THINK_MILLIS = 500;

const { ORIGINSCOPE_ENDPOINT = 'http://127.0.0.1:4318', ORIGINSCOPE_HEADERS: headers } = process.env;
const stopping = new AbortController();
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
  // What breaks because everything is being stopped is no news.
  if (!stopping.signal.aborted) throw error;
} finally {
  await services.stop();
}
