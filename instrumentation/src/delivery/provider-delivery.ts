import { type HrTime, ROOT_CONTEXT, SpanKind, TraceFlags, type TracerProvider } from '@opentelemetry/api';
import { SCHEMA_URL, SCOPE_NAME } from '../attributes.ts';
import type { CoalescedSpan } from '../coalescing/coalescer.ts';
import { VERSION } from '../version.ts';
import type { Delivery } from './delivery.ts';
import type { Losses } from './losses.ts';

/**
 * Hands spans to the application's own tracer provider. What its sampler drops is seen and counted; what its
 * processor or exporter drops later is not, which is why this is best effort.
 */
export class ProviderDelivery implements Delivery {
  readonly #provider: TracerProvider;
  readonly #losses: Losses;

  constructor(provider: TracerProvider, losses: Losses) {
    this.#provider = provider;
    this.#losses = losses;
  }

  async deliver(spans: readonly CoalescedSpan[]): Promise<void> {
    this.encode(spans);
  }

  encode(spans: readonly CoalescedSpan[]): [] {
    const tracer = this.#provider.getTracer(SCOPE_NAME, VERSION, { schemaUrl: SCHEMA_URL });
    for (const { name, attributes, link, start, end, decisions } of spans) {
      const span = tracer.startSpan(
        name,
        {
          kind: SpanKind.INTERNAL,
          attributes,
          startTime: hrTime(start),
          links: link === undefined ? [] : [{ context: link }],
        },
        // Not the active context: it may suppress tracing, and its trace state would come along.
        ROOT_CONTEXT,
      );
      // `isRecording` is also true for spans that are recorded and never exported.
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) {
        this.#losses.add('unsampled', decisions, UNSAMPLED);
      }
      span.end(hrTime(end));
    }
    return [];
  }

  takeUnsettled(): [] {
    return [];
  }

  retryNow(): void {}

  close(): void {}
}

const UNSAMPLED =
  "The application's tracer provider does not sample decision spans, so their counts are lost: " +
  `let its sampler keep the scope ${SCOPE_NAME}, or use delivery "private".`;

/** Not a plain number: before the process's time origin that would mean `performance.now()`. */
function hrTime(epochMillis: number): HrTime {
  return [Math.floor(epochMillis / 1000), Math.round((epochMillis % 1000) * 1e6)];
}
