/** A traced application that asks the receiver for something of its own, and then sends it a decision. */
import { request } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { NoopSpanProcessor } from '@opentelemetry/sdk-trace';
import { createRecorder } from '../../instrumentation/src/delivery/recorder.ts';
import { observation } from './observation.ts';

new NodeSDK({
  spanProcessors: [new NoopSpanProcessor()],
  instrumentations: [new HttpInstrumentation()],
}).start();
// Instruments the module for those who import it as well.
createRequire(import.meta.url)('node:http');
syncBuiltinESMExports();

await new Promise((resolve) => {
  const body = '{"resourceSpans":[]}';
  const outgoing = request(`${process.env.ORIGINSCOPE_ENDPOINT}/own`, { method: 'POST' }, resolve);
  outgoing.end(body);
});
const recorder = createRecorder();
recorder.record(observation({ time: Date.now() }));
await recorder.flush();
console.log('sent');
process.exit();
