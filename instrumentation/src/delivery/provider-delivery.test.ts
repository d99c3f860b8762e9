import { context, createContextKey, DiagLogLevel, diag, ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  createAlwaysRecordSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  StackContextManager,
  TracerProvider,
  type TracerProviderOptions,
} from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { observation } from '../../../test/support/observation.ts';
import { SCHEMA_URL, SCOPE_NAME } from '../attributes.ts';
import { VERSION } from '../version.ts';
import { createRecorder } from './recorder.ts';

const START = Date.UTC(2026, 10, 22, 12, 0, 0);

let log: string[];
beforeEach(() => {
  log = [];
  const keep = (text: string) => void log.push(text);
  diag.setLogger({ error: keep, warn: keep, info: keep, debug: keep, verbose: keep }, DiagLogLevel.INFO);
});
afterEach(() => {
  diag.disable();
  context.disable();
});

function application(options: TracerProviderOptions = {}) {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({
    ...options,
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const recorder = createRecorder({ delivery: 'provider' }, { tracerProvider, process: null });
  return { recorder, spans: () => exporter.getFinishedSpans() };
}

test("decision spans go through the application's provider as roots with a link, at their own times", async () => {
  const { recorder, spans } = application();
  const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
  for (const time of [START, START + 1_500]) recorder.record(observation({ time, link }));
  await recorder.flush();
  const [span, ...others] = spans();
  expect(others).toEqual([]);
  expect(span).toMatchObject({
    name: 'CORS request',
    kind: SpanKind.INTERNAL,
    status: { code: 0 },
    startTime: [START / 1_000, 0],
    endTime: [START / 1_000 + 1, 500_000_000],
    parentSpanContext: undefined,
    links: [{ context: link }],
    instrumentationScope: { name: SCOPE_NAME, version: VERSION, schemaUrl: SCHEMA_URL },
  });
  expect(span?.attributes).toMatchObject({ 'cors.decisions': 2, 'cors.decisions.total': 2 });
  expect(recorder.lost).toEqual({});
});

test('the log says once what can be lost', () => {
  application();
  expect(log).toEqual([expect.stringMatching(/sampler.*limits.*queues.*exports/)]);
});

test.each([
  ['drops them', new AlwaysOffSampler()],
  ['records them without exporting', createAlwaysRecordSampler(new AlwaysOffSampler())],
])('a sampler that %s is detected: counted as lost, logged once', async (_, sampler) => {
  const { recorder, spans } = application({ sampler });
  for (let n = 0; n < 3; n++) {
    recorder.record(observation({ time: START }));
    recorder.record(observation({ time: START }, { origin: `https://${n}.example` }));
    await recorder.flush();
  }
  expect(spans()).toEqual([]);
  expect(recorder.lost).toEqual({ unsampled: 6 });
  expect(log.slice(1)).toEqual([expect.stringContaining('delivery "private"')]);
});

test('a limit of attributes does not cost the counts', async () => {
  const { recorder, spans } = application({ spanLimits: { attributeCountLimit: 3 } });
  recorder.record(observation({ time: START }));
  await recorder.flush();
  expect(spans()[0]?.attributes).toMatchObject({ 'cors.decisions': 1, 'cors.decisions.total': 1 });
});

test('a context that suppresses tracing does not suppress decision spans', async () => {
  context.setGlobalContextManager(new StackContextManager().enable());
  const suppressed = ROOT_CONTEXT.setValue(
    createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'),
    true,
  );
  const { recorder, spans } = application();
  await context.with(suppressed, () => {
    recorder.record(observation({ time: START }));
    return recorder.flush();
  });
  expect(spans()).toHaveLength(1);
});

test('a provider that throws breaks nothing, and its losses are counted', async () => {
  const tracerProvider = {
    getTracer() {
      throw new Error('not today');
    },
  };
  const recorder = createRecorder({ delivery: 'provider' }, { tracerProvider, process: null });
  recorder.record(observation({ time: START }));
  await recorder.flush();
  expect(recorder.lost).toEqual({ failed: 1 });
});
