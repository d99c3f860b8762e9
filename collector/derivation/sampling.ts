import { OriginscopeError } from '../../core/errors.ts';

/** The ratio by which a service's spans are sampled, 0 < ratio ≤ 1; undefined when nobody said. */
export type SamplingRatios = (service: string) => number | undefined;

export const NO_RATIOS: SamplingRatios = () => undefined;

/** Whether the tracestate that a request brought along says how its span was sampled. */
export type InboundTracestate = 'ignored' | 'trusted';

/** A ratio below this is nobody's: one span would stand for more than a million. */
const LEAST_RATIO = 1e-6;

/**
 * Reads `service=ratio` pairs joined by commas, for example `checkout=0.1,search=1,*=0.25`; `*` stands for all
 * others. 1 says that every request has its span.
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
 * The ratio that the sampler wrote into tracestate (OpenTelemetry "TraceState: Probability Sampling", `ot=th:T`:
 * T of 56 bits is the part that was rejected); undefined when there is none.
 */
export function ratioOfTraceState(traceState: string): number | undefined {
  const threshold = THRESHOLD.exec(traceState)?.[1];
  if (threshold === undefined) return undefined;
  const ratio = 1 - Number.parseInt(threshold, 16) / 16 ** threshold.length;
  return ratio >= LEAST_RATIO ? ratio : undefined;
}

/** In the list member `ot`, among sub-keys joined by semicolons. */
const THRESHOLD = /(?:^|,)[ \t]*ot=(?:[^,;]*;)*th:([0-9a-f]{1,14})(?=[;, \t]|$)/;

/**
 * How many requests a span of the ratio stands for: 1/ratio, as a whole number that is right on average. Which
 * way it is rounded depends on the span's id, so that the same span always counts the same.
 *
 * @param spanId 16 hexadecimal digits
 */
export function adjustedCount(ratio: number, spanId: string): number {
  return Math.floor(1 / ratio + Number.parseInt(spanId.slice(8), 16) / 2 ** 32);
}
