import { createServer } from 'node:http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, onTestFinished, test } from 'vitest';
import { ask, crossOrigin, listen } from '../../test/support/ask.ts';
import { type Receiver, receiveOtlpJson } from '../../test/support/otlp-json-receiver.ts';
import packageJson from '../package.json' with { type: 'json' };
import { SCOPE_NAME } from './attributes.ts';
import { CorsInstrumentation, type CorsInstrumentationConfig, flush, observe } from './index.ts';
import { VERSION } from './version.ts';

test('decisions arrive at the endpoint, and flush waits for them', async () => {
  const { endpoint, receiver } = await receiverOfTest();
  const instrumentation = instrument({ endpoint });
  const url = await refusingServer();

  await ask(url, { headers: crossOrigin() });
  await instrumentation.flush();

  expect(receiver.decisions()).toEqual({ acao_missing: 1 });
});

test('the application may register it with a provider, and the private delivery stays private', async () => {
  const { endpoint, receiver } = await receiverOfTest();
  const { provider, exporter } = inMemoryProvider();
  const instrumentation = instrument({ endpoint });
  registerInstrumentations({ instrumentations: [instrumentation], tracerProvider: provider });
  const url = await refusingServer();

  await ask(url, { headers: crossOrigin() });
  await instrumentation.flush();

  expect(receiver.decisions()).toEqual({ acao_missing: 1 });
  expect(exporter.getFinishedSpans()).toEqual([]);
});

test("delivery 'provider' passes spans to the application's provider, even one that is set late", async () => {
  const { provider, exporter } = inMemoryProvider();
  const instrumentation = instrument({ delivery: 'provider' });
  const url = await refusingServer();
  registerInstrumentations({ instrumentations: [instrumentation], tracerProvider: provider });

  await ask(url, { headers: crossOrigin() });
  await instrumentation.flush();

  expect(exporter.getFinishedSpans()).toMatchObject([
    {
      name: 'CORS request',
      instrumentationScope: { name: SCOPE_NAME, version: VERSION },
      attributes: { 'cors.decisions': 1 },
    },
  ]);
});

test('two instances in one thread count once, through the later one', async () => {
  const [earlier, later] = [await receiverOfTest(), await receiverOfTest()];
  instrument({ endpoint: earlier.endpoint });
  instrument({ endpoint: later.endpoint });
  const url = await refusingServer();

  await ask(url, { headers: crossOrigin() });
  await flush();

  expect(earlier.receiver.decisions()).toEqual({});
  expect(later.receiver.decisions()).toEqual({ acao_missing: 1 });
});

test('enabled: false stays so when it is registered; disable() stops and enable() starts again', async () => {
  const { endpoint, receiver } = await receiverOfTest();
  const instrumentation = instrument({ endpoint, enabled: false });
  registerInstrumentations({ instrumentations: [instrumentation] });
  const url = await refusingServer();
  await ask(url, { headers: crossOrigin() });
  await instrumentation.flush();
  expect(receiver.decisions()).toEqual({});

  instrumentation.setConfig({ endpoint });
  instrumentation.enable();
  await ask(url, { headers: crossOrigin() });
  instrumentation.disable();
  await ask(url, { headers: crossOrigin() });
  instrumentation.enable();
  await ask(url, { headers: crossOrigin() });
  await instrumentation.flush();

  await expect.poll(() => receiver.decisions()).toEqual({ acao_missing: 2 });
});

test('new options take effect at once', async () => {
  const { endpoint, receiver } = await receiverOfTest();
  const instrumentation = instrument({ endpoint });
  const url = await refusingServer();

  instrumentation.setConfig({ endpoint, ignoreRequest: ({ url }) => url === '/health' });
  await ask(`${url}/health`, { headers: crossOrigin() });
  await ask(url, { headers: crossOrigin() });
  await instrumentation.flush();

  expect(receiver.decisions()).toEqual({ acao_missing: 1 });
});

test('an invalid option makes the constructor throw', () => {
  expect(() => instrument({ trustProxy: 'yes' as unknown as boolean })).toThrow(
    expect.objectContaining({ code: 'ORIGINSCOPE_INVALID_OPTION' }),
  );
});

test('a fetch-style handler is observed by a function that returns its response unchanged', async () => {
  const { endpoint, receiver } = await receiverOfTest();
  instrument({ endpoint });
  const request = new Request('https://api.example/users/7?token=secret', { headers: crossOrigin() });
  const response = new Response('answer', {
    headers: { 'access-control-allow-origin': 'https://other.example' },
  });

  expect(observe(request, response, { route: '/users/:id', clientAddress: '203.0.113.7' })).toBe(response);
  observe(new Request('https://api.example/'), new Response());
  await flush();

  expect(receiver.decisions()).toEqual({ acao_mismatch: 1 });
  expect(receiver.spans[0]?.attributes).toMatchObject({
    'http.route': '/users/:id',
    'server.address': 'api.example',
    'url.path': '/users/:id',
    'cors.clients': expect.stringMatching(/^[0-9a-f]{16}$/),
  });
});

test('without an instrumentation, a fetch-style handler is observed with the options of the environment', async () => {
  const { endpoint, receiver } = await receiverOfTest();
  process.env.ORIGINSCOPE_ENDPOINT = endpoint;
  onTestFinished(() => {
    delete process.env.ORIGINSCOPE_ENDPOINT;
    // Takes the place of the observer that the environment made.
    new CorsInstrumentation({ endpoint }).disable();
  });

  observe(new Request('https://api.example/', { headers: crossOrigin() }), Response.json({}));
  await flush();

  expect(receiver.decisions()).toEqual({ acao_missing: 1 });
});

test('a response that cannot be observed is still returned', () => {
  const response = new Response();
  expect(observe({} as Request, response)).toBe(response);
});

test('the version is that of the package', () => {
  expect(VERSION).toBe(packageJson.version);
});

function instrument(config: CorsInstrumentationConfig): CorsInstrumentation {
  const instrumentation = new CorsInstrumentation(config);
  onTestFinished(() => instrumentation.disable());
  return instrumentation;
}

async function receiverOfTest(): Promise<{ endpoint: string; receiver: Receiver }> {
  const receiver = await receiveOtlpJson();
  onTestFinished(() => receiver.close());
  return { endpoint: receiver.url, receiver };
}

function refusingServer(): Promise<string> {
  return listen(createServer((_request, response) => void response.end()));
}

function inMemoryProvider() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return { exporter, provider };
}
