import type { IHeaders, KafkaMessage } from 'kafkajs';
import { hasCode, messageOf, OriginscopeError } from '../../../core/errors.ts';
import { DERIVATION_RULES, decodeTraces, type Encoding } from '../../otlp/decode.ts';
import type { Decoded, TimeWindow } from '../../otlp/decoding-result.ts';

/**
 * The header with the encoding of a message's value, which is one OTLP trace export request: `protobuf` or
 * `json`. Messages of an OpenTelemetry Collector have none.
 */
export const ENCODING_HEADER = 'originscope-encoding';

/** The headers that `encodingOf` reads. */
export const headersFor = (encoding: Encoding): Record<string, string> => ({ [ENCODING_HEADER]: encoding });

/** The encoding in the headers; undefined when absent or unknown. */
export function encodingOf(headers: IHeaders | undefined): Encoding | undefined {
  const named = String(headers?.[ENCODING_HEADER] ?? '');
  return named === 'protobuf' || named === 'json' ? named : undefined;
}

/**
 * Decodes the spans of a message. Without an encoding header, protobuf is tried first and then JSON; a body
 * that starts with a brace is tried in the reverse order, because in protobuf it would be an unknown group,
 * which readers skip.
 *
 * @throws OriginscopeError `OTLP_MALFORMED` when it is neither
 */
export function decodeMessage(
  { value, headers }: Pick<KafkaMessage, 'value' | 'headers'>,
  window: TimeWindow,
  rules = DERIVATION_RULES,
): Decoded {
  if (value === null) throw empty();
  const decode = (encoding: Encoding): Decoded => {
    try {
      return decodeTraces(value, encoding, window, rules);
    } catch (error) {
      // No sender can be told to send less, so it becomes a dead letter like an unreadable message.
      throw hasCode(error, 'BODY_TOO_LARGE') ? tooLarge(error) : error;
    }
  };
  const encoding = encodingOf(headers);
  if (encoding !== undefined) return decode(encoding);
  const [likely, unlikely]: readonly [Encoding, Encoding] =
    value[0] === BRACE ? ['json', 'protobuf'] : ['protobuf', 'json'];
  try {
    return decode(likely);
  } catch (error) {
    if (!hasCode(error, 'OTLP_MALFORMED')) throw error;
    try {
      return decode(unlikely);
    } catch (second) {
      throw hasCode(second, 'OTLP_MALFORMED') ? error : second;
    }
  }
}

const BRACE = '{'.charCodeAt(0);

const empty = (): OriginscopeError =>
  new OriginscopeError('OTLP_MALFORMED', {
    problem: 'the message has no value',
    remedy: 'Only OTLP trace export requests belong in this topic.',
  });

const tooLarge = (cause: unknown): OriginscopeError =>
  new OriginscopeError('OTLP_MALFORMED', {
    problem: messageOf(cause),
    cause,
    remedy: 'Only smaller batches belong in this topic.',
  });
