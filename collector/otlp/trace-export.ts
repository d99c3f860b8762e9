import type { IncomingMessage } from 'node:http';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { readBody } from './body.ts';
import type { ReceiverCounters } from './counters.ts';
import { decodeTraces, type Encoding } from './decode.ts';
import { acceptedWindow, type Decoded, type Rejection } from './decoding-result.ts';
import type { DerivationRules } from './derived-span-of.ts';
import { createHeldBytes, peerOf } from './held-bytes.ts';

/** What is written of a request: `up` takes the spans, and the way through Kafka the body. */
export interface AcceptedRequest {
  /** As it was sent, inflated. */
  readonly body: Buffer;
  readonly encoding: Encoding;
  /** Those that were accepted; at least one. */
  readonly spans: readonly DecisionSpan[];
}

export interface TraceExportOptions {
  readonly write: (request: AcceptedRequest) => Promise<void>;
  readonly rules: DerivationRules;
  readonly now: () => number;
  readonly maxBodyBytes: number;
  readonly maxJsonBytes: number;
  readonly maxHeldBytes: number;
  readonly arrivalMillis: number;
  readonly counters: ReceiverCounters;
}

/** What a row takes in memory beside its texts, which are no longer than the body. */
const ROW_BYTES = 400;
/** The most decision spans of a request; one of as many bytes as are taken has fewer. */
const MAX_DECISION_SPANS = 32_768;

/**
 * Takes a trace export request from its first byte to its write. The result resolves when what was accepted is
 * written, and what was counted then has happened once: a request that fails is sent again as a whole.
 */
export function traceExport(options: TraceExportOptions) {
  const { counters, maxHeldBytes, arrivalMillis } = options;
  const maxBytes: Readonly<Record<Encoding, number>> = {
    protobuf: options.maxBodyBytes,
    json: Math.min(options.maxJsonBytes, options.maxBodyBytes),
  };
  const held = createHeldBytes({
    maxBytes: maxHeldBytes,
    changed(bytes) {
      counters.heldBytes = bytes;
    },
  });

  return async (request: IncomingMessage, encoding: Encoding): Promise<Decoded> => {
    const holding = held.open(peerOf(request.socket.remoteAddress));
    try {
      const body = await readBody(request, { maxBytes: maxBytes[encoding], arrivalMillis, holding });
      const decoded = decodeTraces(body, encoding, acceptedWindow(options.now()), options.rules);
      if (decoded.spans.length > MAX_DECISION_SPANS) throw tooManySpans();
      holding.hold(decoded.spans.length * ROW_BYTES);
      if (decoded.spans.length > 0) await write({ body, encoding, spans: decoded.spans }, options);
      countAccepted(counters, body.length, decoded);
      return decoded;
    } finally {
      holding.close();
    }
  };
}

async function write(
  request: AcceptedRequest,
  options: Pick<TraceExportOptions, 'write' | 'counters'>,
): Promise<void> {
  try {
    await options.write(request);
  } catch (error) {
    if (error instanceof OriginscopeError && !error.retryable) {
      options.counters.spans.refused += request.spans.length;
    }
    throw error;
  }
}

function countAccepted(counters: ReceiverCounters, bytes: number, decoded: Decoded): void {
  counters.requests.accepted++;
  counters.bytes += bytes;
  counters.spans.accepted += decoded.spans.length;
  counters.spans.passedOver += decoded.passedOver;
  for (const [reason, count] of Object.entries(decoded.rejections)) {
    counters.spans.rejected[reason as Rejection] += count;
  }
}

const tooManySpans = (): OriginscopeError =>
  new OriginscopeError('BODY_TOO_LARGE', { problem: `more than ${MAX_DECISION_SPANS} decision spans` });
