/**
 * Prints how many bytes of heap a recorder adds to a process that could serve HTTP before, after the traffic
 * that its argument names. The receiver (ORIGINSCOPE_ENDPOINT) decides whether there is an outage.
 */
import { createServer } from 'node:http';
import { blockedObservation, observation } from './observation.ts';

const MINUTE = 60_000;
const collectGarbage = globalThis.gc ?? (() => {});

function heapUsed(): number {
  for (let n = 0; n < 5; n++) collectGarbage();
  return process.memoryUsage().heapUsed;
}

const server = createServer().listen(0, '127.0.0.1');
const start = Date.now();
let spans = 0;
const link = () => {
  const spanId = (++spans).toString(16).padStart(16, '0');
  return { traceId: spanId + spanId, spanId, traceFlags: 1 };
};

/** Hundreds of keys, for three hours. */
function* day() {
  for (let minute = 0; minute < 180; minute++) {
    for (let n = 0; n < 2_000; n++) {
      const time = start + minute * MINUTE + n * 25;
      const decision = { origin: `https://tenant-${n % 400}.example` };
      yield n % 10 === 0
        ? blockedObservation({ time, link: link(), path: `/orders/${n}` }, decision)
        : observation({ time, link: link() }, decision);
    }
  }
}

/** Origins as long as they may be, all blocked, each with headers of its own. */
function* flood() {
  const domain = `${'.evil-origin'.repeat(20)}.example`;
  const longName = 'x-long-header-name-to-fill-the-key'.repeat(4);
  for (let n = 0; n < 300_000; n++) {
    const origin = `https://${n}${domain}`;
    const requestHeaders = [`x-${n}`, longName];
    const facts = { kind: 'preflight', origin, requestHeaders, detail: `x-${n}` } as const;
    yield blockedObservation({ time: start + n, link: link(), path: `/${n}`.padEnd(256, 'x') }, facts);
  }
}

const before = heapUsed();
const { createRecorder } = await import('../../instrumentation/src/delivery/recorder.ts');
const recorder = createRecorder({}, { process: null });
let most = 0;
let recorded = 0;
for (const next of process.argv[2] === 'flood' ? flood() : day()) {
  recorder.record(next);
  // Lets requests to the receiver go on, as traffic would.
  if (++recorded % 1_000 === 0) await new Promise(setImmediate);
  if (recorded % 200_000 === 0) most = Math.max(most, heapUsed());
}
most = Math.max(most, heapUsed());
console.log(most - before);
server.close();
