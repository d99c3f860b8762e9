import { PbfWriter } from 'pbf';
import { GRPC_CODES, type GrpcStatus } from '../../core/error-codes.ts';
import type { Encoding } from './decode.ts';
import { type Decoded, REJECTIONS, type Rejection } from './decoding-result.ts';

/** The content type of each encoding of OTLP/HTTP. */
export const CONTENT_TYPES = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
} as const satisfies Record<Encoding, string>;

// message Status { int32 code = 1; string message = 2; }
/** A google.rpc.Status, the body of every error response. */
export function statusBody(encoding: Encoding, status: GrpcStatus, message: string): Buffer {
  const code = GRPC_CODES[status];
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message }));
  const writer = new PbfWriter();
  writer.writeVarintField(1, code);
  writer.writeStringField(2, message);
  return Buffer.from(writer.finish());
}

// message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
// message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
// Metrics and logs have the same fields under other names.
/** A success response; partial if `message` is not empty. */
export function exportResponse(encoding: Encoding, rejectedSpans: number, message: string): Buffer {
  if (encoding === 'json') {
    const partialSuccess = {
      ...(rejectedSpans > 0 && { rejectedSpans: String(rejectedSpans) }),
      errorMessage: message,
    };
    return Buffer.from(JSON.stringify(message === '' ? {} : { partialSuccess }));
  }
  const writer = new PbfWriter();
  if (message !== '') {
    writer.writeMessage(
      1,
      (_, partial) => {
        if (rejectedSpans > 0) partial.writeVarintField(1, rejectedSpans);
        partial.writeStringField(2, message);
      },
      null,
    );
  }
  return Buffer.from(writer.finish());
}

/** Which spans were rejected and why; empty when none were. */
export function rejectionMessage({ rejected, rejections }: Decoded): string {
  if (rejected === 0) return '';
  const reasons = Object.entries(rejections)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} because ${REJECTIONS[reason as Rejection]}`);
  return `${rejected} ${rejected === 1 ? 'span was' : 'spans were'} rejected: ${reasons.join('; ')}`;
}
