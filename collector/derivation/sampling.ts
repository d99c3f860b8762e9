import { OriginscopeError } from '../../core/errors.ts';

/** The ratio at which a service's spans are sampled, 0 < ratio ≤ 1; undefined when unknown. */
export type SamplingRatios = (service: string) => number | undefined;

export const NO_RATIOS: SamplingRatios = () => undefined;

/** Whether the tracestate of an inbound request is used as the sampling ratio of its span. */
export type InboundTracestate = 'ignored' | 'trusted';

/** A smaller ratio is implausible: one span would represent more than a million requests. */
const LEAST_RATIO = 1e-6;

/**
 * Parses comma-separated `service=ratio` pairs, for example `checkout=0.1,search=1,*=0.25`; `*` applies to
 * all other services, 1 means that every request has a span.
 *
 * @throws OriginscopeError `SAMPLING_RATIO_INVALID`
 */
export function parseSamplingRatios(text: string): SamplingRatios {
  const ratios = new Map<string, number>();
  for (const pair of text.split(',')) {
    const equals = pair.lastIndexOf('=');
    const service = pair.slice(0, Math.max(equals, 0)).trim();
    const digits = pair.slice(equals + 1).trim();
    const ratio = Number(digits);
    if (service === '' || digits === '' || !(ratio >= LEAST_RATIO && ratio <= 1) || ratios.has(service)) {
      throw new OriginscopeError('SAMPLING_RATIO_INVALID', { pair: pair.trim() });
    }
    ratios.set(service, ratio);
  }
  return (service) => ratios.get(service) ?? ratios.get('*');
}

/**
 * The sampling ratio in tracestate
 * (https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/): `ot=th:T`, where T of
 * 56 bits is the rejected fraction. Undefined when absent.
 */
export function ratioOfTraceState(traceState: string): number | undefined {
  const threshold = THRESHOLD.exec(traceState)?.[1];
  if (threshold === undefined) return undefined;
  const ratio = 1 - Number.parseInt(threshold, 16) / 16 ** threshold.length;
  return ratio >= LEAST_RATIO ? ratio : undefined;
}

/** In the list member `ot`, whose sub-keys are separated by semicolons. */
const THRESHOLD = /(?:^|,)[ \t]*ot=(?:[^,;]*;)*th:([0-9a-f]{1,14})(?=[;, \t]|$)/;

/**
 * The number of requests that a span represents: 1/ratio as an integer that is exact on average. The
 * rounding depends on the span id, so that a span always has the same count.
 *
 * @param spanId 16 hexadecimal digits
 */
export function adjustedCount(ratio: number, spanId: string): number {
  return Math.floor(1 / ratio + Number.parseInt(spanId.slice(8), 16) / 2 ** 32);
}
