import { context, createContextKey, type Span, type SpanContext, SpanKind, trace } from '@opentelemetry/api';

/** What HTTP and framework instrumentations share about the current request. */
interface RpcMetadata {
  readonly span?: Span;
  readonly route?: string;
}

/** The key of @opentelemetry/core, identical in all its versions. */
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

export interface RequestSpan {
  /** The HTTP server span of the current request, if one is known with certainty. */
  readonly serverSpan: Span | undefined;
  /** The server span, else the active span. */
  readonly spanContext: SpanContext | undefined;
  /** The route that a framework's instrumentation found. */
  readonly route: string | undefined;
}

/** What tracing knows about the current request. */
export function requestSpan(): RequestSpan {
  const active = context.active();
  const metadata = active.getValue(RPC_METADATA) as RpcMetadata | undefined;
  const activeSpan = trace.getSpan(active);
  const serverSpan = metadata?.span ?? (isServerSpan(activeSpan) ? activeSpan : undefined);
  const spanContext = (serverSpan ?? activeSpan)?.spanContext();
  return {
    serverSpan,
    spanContext: spanContext !== undefined && trace.isSpanContextValid(spanContext) ? spanContext : undefined,
    route: metadata?.route,
  };
}

/** The SDK's spans have a kind, although the API does not expose it. */
function isServerSpan(span: Span | undefined): boolean {
  return span !== undefined && Reflect.get(span, 'kind') === SpanKind.SERVER;
}

/** Parses the caller's span from `traceparent`: https://www.w3.org/TR/trace-context/#traceparent-header */
export function callerSpan(traceparent: string | null): SpanContext | undefined {
  const match = traceparent?.match(/^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/);
  if (!match) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.isSpanContextValid(spanContext) ? spanContext : undefined;
}
