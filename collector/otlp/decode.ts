import { DERIVATION } from '../../clickhouse/decision-span.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { printableMessage } from '../../core/text.ts';
import { type InboundTracestate, NO_RATIOS, type SamplingRatios } from '../derivation/sampling.ts';
import type { Decoded, TimeWindow } from './decoded.ts';
import type { DerivationRules } from './derived-span-of.ts';
import { decodeJson } from './json.ts';
import { countSeparators } from './json-values.ts';
import { decodeProtobuf } from './protobuf.ts';

/** The two encodings of OTLP/HTTP. */
export type Encoding = 'protobuf' | 'json';

/**
 * @param samplingRatios by which ratio services sample the spans that decisions are derived from, if somebody says it
 * @param inboundTracestate whether the tracestate of a request is believed where no ratio was given
 */
export function derivationRules(
  samplingRatios: SamplingRatios = NO_RATIOS,
  inboundTracestate: InboundTracestate = 'ignored',
): DerivationRules {
  return { samplingRatios, inboundTracestate, derivation: DERIVATION };
}

/**
 * The most values of a JSON body that a stranger sends: parsed, a value takes up to 500 bytes, and two or three where
 * it is written. Real bodies have one in 16 bytes.
 */
const MAX_JSON_VALUES = 600_000;

export const DERIVATION_RULES: DerivationRules = derivationRules();

/**
 * The decision spans in the body of an OTLP trace export request, those derived from HTTP server spans, and what
 * became of its other spans. Both encodings of the same request give the same rows.
 *
 * @param maxJsonValues the most values that a JSON body may have
 * @throws OriginscopeError `OTLP_MALFORMED` (not retryable) when the body is no such request, `BODY_TOO_LARGE` when it
 * has too many values; then nothing of it is taken
 */
export function decodeTraces(
  body: Uint8Array,
  encoding: Encoding,
  window: TimeWindow,
  rules = DERIVATION_RULES,
  maxJsonValues = MAX_JSON_VALUES,
): Decoded {
  if (encoding === 'json' && hasMoreValues(body, maxJsonValues)) throw tooManyValues(maxJsonValues);
  try {
    return encoding === 'protobuf' ? decodeProtobuf(body, window, rules) : decodeJson(body, window, rules);
  } catch (cause) {
    // JSON.parse quotes the body in its message.
    const problem = printableMessage(cause, 200);
    throw new OriginscopeError('OTLP_MALFORMED', { problem, cause });
  }
}

/** Whether it may have more values than so many; each takes at least a byte. */
const hasMoreValues = (body: Uint8Array, most: number): boolean =>
  body.length > most && countSeparators(body) > most;

const tooManyValues = (most: number): OriginscopeError =>
  new OriginscopeError('BODY_TOO_LARGE', {
    problem: `more than ${most} JSON values`,
    remedy: 'Send smaller batches, or protobuf.',
  });
