/** Prints the spans of dd-trace about a request and an export to the receiver. */
const tracer = require('dd-trace').init({ startupLogs: false, remoteConfig: { enabled: false } });
const { createServer, get } = require('node:http');
const { CorsInstrumentation } = require('@originscope/instrumentation-cors');

const spans = [];
tracer._tracer._exporter.export = (finished) => spans.push(...finished);
const instrumentation = new CorsInstrumentation();
const server = createServer((_request, response) => response.end());
server.listen(0, '127.0.0.1', async () => {
  await tracer.trace('work', async () => {
    const headers = { origin: 'https://shop.example' };
    const url = `http://127.0.0.1:${server.address().port}/own`;
    await new Promise((resolve) => get(url, { headers }, (response) => response.resume().on('end', resolve)));
    await instrumentation.flush();
  });
  // Spans of requests are finished a turn later.
  setImmediate(() => {
    console.log(JSON.stringify(spans.map(({ name, meta, metrics }) => [name, meta, metrics])));
    process.exit(0);
  });
});
