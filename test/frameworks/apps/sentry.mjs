import { createServer } from 'node:http';
import { CorsInstrumentation } from '@originscope/instrumentation-cors';
import * as Sentry from '@sentry/node';

/** Prints what Sentry would send about a request, an export to the receiver, and an error after them. */
const envelopes = [];
const send = async (envelope) => {
  envelopes.push(envelope);
  return { statusCode: 200 };
};
Sentry.init({
  dsn: 'http://key@sentry.example/1',
  tracesSampleRate: 1,
  transport: () => ({ send, flush: async () => true }),
});
const instrumentation = new CorsInstrumentation();
const server = createServer((_request, response) => response.end());
server.listen(0, '127.0.0.1', async () => {
  await Sentry.startSpan({ name: 'work' }, async () => {
    const origin = 'https://shop.example';
    await fetch(`http://127.0.0.1:${server.address().port}/own`, { headers: { origin } });
    await instrumentation.flush();
    Sentry.captureException(new Error('boom'));
  });
  await Sentry.flush(1_000);
  console.log(JSON.stringify(envelopes));
  process.exit(0);
});
