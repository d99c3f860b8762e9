import { DERIVATION } from '../../clickhouse/decision-span.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { printableMessage } from '../../core/text.ts';
import { type InboundTracestate, NO_RATIOS, type SamplingRatios } from '../derivation/sampling.ts';
import type { Decoded, TimeWindow } from './decoding-result.ts';
import type { DerivationRules } from './derived-span-of.ts';
import { decodeJson } from './json.ts';
import { countSeparators } from './json-values.ts';
import { decodeProtobuf } from './protobuf.ts';

/** The two encodings of OTLP/HTTP. */
export type Encoding = 'protobuf' | 'json';

/**
 * @param samplingRatios the configured ratios at which services sample the spans that decisions are derived
 * from
 * @param inboundTracestate whether the tracestate of a request is trusted where no ratio is configured
 */
export function derivationRules(
  samplingRatios: SamplingRatios = NO_RATIOS,
  inboundTracestate: InboundTracestate = 'ignored',
): DerivationRules {
  return { samplingRatios, inboundTracestate, derivation: DERIVATION };
}

/**
 * The maximum number of values of an untrusted JSON body: a parsed value takes up to 500 bytes from only
 * two or three bytes of JSON. Real bodies have one value per 16 bytes.
 */
const MAX_JSON_VALUES = 600_000;

export const DERIVATION_RULES: DerivationRules = derivationRules();

/**
 * Decodes an OTLP trace export request: its decision spans, those derived from HTTP server spans, and
 * counts of the others. Both encodings of a request give the same rows.
 *
 * @param maxJsonValues the maximum number of values of a JSON body
 * @throws OriginscopeError `OTLP_MALFORMED` (not retryable) when the body is not a valid request,
 * `BODY_TOO_LARGE` when it has too many values; then none of it is accepted
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
    // The message of JSON.parse quotes the body.
    const problem = printableMessage(cause, 200);
    throw new OriginscopeError('OTLP_MALFORMED', { problem, cause });
  }
}

/** Whether it may have more values than the limit; each takes at least a byte. */
const hasMoreValues = (body: Uint8Array, limit: number): boolean =>
  body.length > limit && countSeparators(body) > limit;

const tooManyValues = (limit: number): OriginscopeError =>
  new OriginscopeError('BODY_TOO_LARGE', {
    problem: `more than ${limit} JSON values`,
    remedy: 'Send smaller batches, or protobuf.',
  });
