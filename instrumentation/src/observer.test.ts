import { context, createContextKey, diag, type Span, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepingRecorder } from '../../test/support/recorded.ts';
import { readHeaderList } from './fetch-standard/header-list.ts';
import type { ServedExchange } from './http/served-exchange.ts';
import { createObserver } from './observer.ts';
import { type CorsInstrumentationConfig, resolveOptions } from './options.ts';
import type { Redact } from './redaction.ts';

const ORIGIN = 'https://shop.example';

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(() => {
  context.disable();
  diag.disable();
});

test('hooks that throw, reject or return nonsense change nothing, and are logged once each', () => {
  const log = logged();
  const nonsense = { ignoreRequest: 'no', route: Symbol('route'), redact: 7 };
  for (const hook of [
    () => {
      throw new Error('broken hook');
    },
    () => Promise.reject(new Error('unhandled')),
    (key: string) => nonsense[key as keyof typeof nonsense],
  ]) {
    const hooks = { ignoreRequest: hook, route: hook, redact: hook } as unknown as CorsInstrumentationConfig;
    const { observe, observations } = observer(hooks);

    for (let i = 0; i < 3; i++) observe(blocked());

    expect(observations).toHaveLength(3);
  }
  expect(log.error.mock.calls.length).toBeLessThanOrEqual(9);
  expect(log.error.mock.calls.map(([message]) => message).join()).toContain('The option redact failed');
});

test.each([
  [
    'throws',
    () => {
      throw new Error('broken hook');
    },
  ],
  ['answers later', async () => ({ origin: 'https://redacted.example' })],
  ['answers nonsense', () => ({ route: 7 })],
])('a redaction that %s hides everything it might have hidden, and the count stays', (_how, redact) => {
  logged();
  const { observe, observations } = observer({ redact: redact as unknown as Redact });

  observe(blocked({ route: '/customers/:name' }));

  expect(JSON.stringify(observations)).not.toMatch(/shop\.example|customers|api\.example/);
  expect(observations[0]).toMatchObject({ decision: { origin: '(other)', verdict: 'blocked' } });
});

test('a redaction changes what it names and nothing else', () => {
  const { observe, observations } = observer({
    redact: ({ origin }) => ({ origin: origin.replace('shop', '***'), path: undefined }),
  });

  observe(blocked({ route: '/users/:id' }));

  expect(observations[0]).toMatchObject({
    route: '/users/:id',
    path: undefined,
    serverAddress: 'api.example',
  });
  expect(observations[0]?.decision).toMatchObject({ origin: 'https://***.example', reason: 'acao_missing' });
});

test('an ignored request is not counted', () => {
  const { observe, observations } = observer({ ignoreRequest: ({ url }) => url.startsWith('/health') });

  observe(blocked({ url: '/health' }));
  observe(blocked({ url: '/api' }));

  expect(observations.map(({ path }) => path)).toEqual(['/api']);
});

test("the route is the hook's, else tracing's, else the framework's", () => {
  const { observe, observations } = observer({
    route: ({ url }) => (url === '/hooked' ? '/from-hook' : undefined),
  });
  const traced = setRPCMetadata(context.active(), {
    type: RPCType.HTTP,
    route: '/from-tracing',
    span: trace.wrapSpanContext(SPAN_CONTEXT),
  });

  context.with(traced, () => observe(blocked({ url: '/hooked', route: '/from-framework' })));
  context.with(traced, () => observe(blocked({ route: '/from-framework' })));
  observe(blocked({ route: '/from-framework' }));

  expect(observations.map(({ route }) => route)).toEqual(['/from-hook', '/from-tracing', '/from-framework']);
});

test('the HTTP server span gets the verdict, and the decision links to it', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('test');
  const server = tracer.startSpan('GET', { kind: SpanKind.SERVER });
  const inner = tracer.startSpan('middleware', {}, trace.setSpan(context.active(), server));
  const { observe, observations } = observer();

  const metadata = { type: RPCType.HTTP, span: server } as const;
  context.with(setRPCMetadata(trace.setSpan(context.active(), inner), metadata), () => observe(blocked()));
  for (const span of [inner, server]) span.end();

  expect(exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes])).toEqual([
    ['middleware', {}],
    [
      'GET',
      {
        'cors.observed': true,
        'cors.kind': 'actual',
        'cors.verdict': 'blocked',
        'cors.reason': 'acao_missing',
      },
    ],
  ]);
  expect(observations[0]?.link).toEqual(server.spanContext());
});

test('a server span that is merely active is annotated, too, but no other span', () => {
  const { observe } = observer();
  const spans = [SpanKind.SERVER, SpanKind.INTERNAL].map((kind) => {
    const setAttribute = vi.fn();
    const span = {
      ...trace.wrapSpanContext(SPAN_CONTEXT),
      kind,
      setAttribute,
      spanContext: () => SPAN_CONTEXT,
    };
    context.with(trace.setSpan(context.active(), span as unknown as Span), () => observe(blocked()));
    return setAttribute.mock.calls.length;
  });

  expect(spans).toEqual([4, 0]);
});

test('without tracing the decision links to the caller, if its traceparent is valid', () => {
  const { observe, observations } = observer();
  const { traceId, spanId } = SPAN_CONTEXT;

  for (const traceparent of [
    `00-${traceId}-${spanId}-01`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    'nonsense',
  ]) {
    observe(blocked({ requestHeaders: { traceparent } }));
  }

  expect(observations.map(({ link }) => link)).toEqual([
    { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true },
    undefined,
    undefined,
    undefined,
  ]);
});

test('headers of an untrusted proxy are ignored and logged once', () => {
  const log = logged();
  const { observe, observations } = observer();

  for (let i = 0; i < 2; i++) observe(behindProxy({ host: 'API.example:443' }));

  expect(log.warn).not.toHaveBeenCalled();
  expect(log.info).toHaveBeenCalledOnce();
  expect(log.info.mock.lastCall?.[0]).toContain('trustProxy');
  expect(observations.map(({ clientBit, serverAddress }) => [clientBit, serverAddress])).toEqual([
    [undefined, 'api.example'],
    [undefined, 'api.example'],
  ]);
});

test.each([
  ['X-Forwarded-Host', {}],
  ['Forwarded', { 'x-forwarded-host': '', forwarded: 'for=198.51.100.7;host=public.example' }],
])('where %s names another host, a request without fetch metadata is not blocked but unknown', (_, more) => {
  const log = logged();
  const { observe, observations } = observer();

  // From its own page, then from another page, then a GET: on it only CORS requests have an Origin.
  observe(behindProxy({ origin: 'https://public.example', more }));
  observe(behindProxy({ more }));
  observe(behindProxy({ method: 'GET', more }));
  observe(behindProxy({ origin: 'https://api.example', more }));

  expect(
    observations.map(({ decision, serverAddress }) => [decision.verdict, decision.reason, serverAddress]),
  ).toEqual([
    ['unknown', 'kind_ambiguous', 'api.example'],
    ['unknown', 'kind_ambiguous', 'api.example'],
    ['blocked', 'acao_missing', 'api.example'],
  ]);
  expect(log.warn).toHaveBeenCalledOnce();
  expect(log.warn.mock.lastCall?.[0]).toMatch(/another host than Host.*trustProxy.*ORIGINSCOPE_TRUST_PROXY/);
});

test('headers of a trusted proxy determine the own origin and the client', () => {
  const { observe, observations } = observer({ trustProxy: 1 });

  observe(behindProxy());
  observe(behindProxy({ origin: 'https://public.example' }));

  expect(observations).toHaveLength(1);
  expect(observations[0]).toMatchObject({ serverAddress: 'public.example', clientBit: expect.any(Number) });
});

test('clients cannot inject arbitrary method names or host names', () => {
  const { observe, observations } = observer();

  observe(blocked({ method: 'BREW', authority: 'api.example:8443' }));
  observe(blocked({ authority: '"><script>' }));
  observe(blocked({ authority: `${'a'.repeat(300)}.example` }));
  observe(blocked({ authority: '[2001:DB8::1]:80' }));

  expect(observations[0]?.method).toBe('_OTHER');
  expect(observations.map(({ serverAddress }) => serverAddress)).toEqual([
    'api.example',
    undefined,
    undefined,
    '[2001:db8::1]',
  ]);
});

test('headers that could not be read yield no verdict', () => {
  const { observe, observations } = observer();

  observe({ ...blocked(), responseHeadersCaptured: false });

  expect(observations[0]?.decision).toMatchObject({ verdict: 'unknown', reason: 'headers_not_captured' });
});

test('the key of RPC metadata is the same in all OpenTelemetry versions', () => {
  expect(createContextKey('same')).toBe(Symbol.for('same'));
});

const SPAN_CONTEXT = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};

function observer(config: CorsInstrumentationConfig = {}) {
  const recorder = keepingRecorder();
  const observe = createObserver(resolveOptions(config, {}), recorder, () => 1_790_000_000_000);
  return { observe, observations: recorder.observations };
}

interface Given {
  readonly method?: string;
  readonly url?: string;
  readonly route?: string;
  readonly authority?: string;
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

/** A page on another site asked, and the answer has no CORS headers. */
function blocked({
  method = 'GET',
  url = '/api',
  route,
  authority,
  requestHeaders,
}: Given = {}): ServedExchange {
  const headers = { origin: ORIGIN, 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site' };
  return {
    method,
    url,
    requestHeaders: readHeaderList(Object.entries({ ...headers, ...requestHeaders })),
    status: 200,
    responseHeaders: readHeaderList([]),
    responseHeadersCaptured: true,
    authority: authority ?? 'api.example',
    isEncrypted: false,
    remoteAddress: '203.0.113.7',
    route,
    raw: new Request('http://api.example'),
  };
}

interface Proxied {
  readonly method?: string;
  readonly origin?: string;
  readonly host?: string;
  readonly more?: Readonly<Record<string, string>>;
}

/** Without fetch metadata, so that the own origin decides what kind of request it is. */
function behindProxy({
  method = 'POST',
  origin = ORIGIN,
  host = 'public.example',
  more,
}: Proxied = {}): ServedExchange {
  const headers = {
    origin,
    'content-type': 'application/json',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': host,
    'x-forwarded-for': '198.51.100.7',
    ...more,
  };
  return { ...blocked({ method }), requestHeaders: readHeaderList(Object.entries(headers)) };
}

function logged() {
  const logger = { error: vi.fn(), warn: vi.fn(), info: vi.fn(), debug: vi.fn(), verbose: vi.fn() };
  diag.setLogger(logger, { suppressOverrideMessage: true });
  return logger;
}
