import { join } from 'node:path';
import protobuf from 'protobufjs';

const fixtures = join(import.meta.dirname, '../fixtures');

/** The official schema of opentelemetry-proto 1.9.0, as published. */
const root = new protobuf.Root();
root.resolvePath = (_from, target) => join(fixtures, target);
root.loadSync('opentelemetry/proto/collector/trace/v1/trace_service.proto');

const REQUEST = root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');
const SPAN = root.lookupType('opentelemetry.proto.trace.v1.Span');
const RESPONSE = root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse');

/** An AnyValue in OTLP/JSON. */
export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  bytesValue?: string;
  arrayValue?: { values: AnyValue[] };
  kvlistValue?: { values: KeyValue[] };
}
export interface KeyValue {
  key: string;
  value?: AnyValue;
}
export interface Span {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  traceState?: string;
  flags?: number;
  name?: string;
  kind?: number;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string;
  attributes?: KeyValue[];
  links?: { traceId?: string; spanId?: string }[];
}
export interface ScopeSpans {
  scope?: { name?: string; version?: string };
  spans?: Span[];
}
export interface ResourceSpans {
  resource?: { attributes?: KeyValue[] };
  scopeSpans?: ScopeSpans[];
}
/** An ExportTraceServiceRequest in OTLP/JSON: ids in hexadecimal, 64-bit integers as decimal text. */
export interface TraceRequest {
  resourceSpans?: ResourceSpans[];
}

/** The request in protobuf, written by protobufjs. */
export function encodeRequest(request: TraceRequest): Buffer {
  const message = REQUEST.fromObject(mapIds(request, fromHex) as object);
  return Buffer.from(REQUEST.encode(message).finish());
}

/** One span in protobuf, to be put into bodies that no exporter would write. */
export function encodeSpan(span: Span): Buffer {
  return Buffer.from(SPAN.encode(SPAN.fromObject(mapIds(span, fromHex) as object)).finish());
}

/** What protobufjs reads in the bytes, in OTLP/JSON. */
export function requestOf(bytes: Uint8Array): TraceRequest {
  const plain = REQUEST.toObject(REQUEST.decode(bytes), { longs: String, enums: Number, bytes: Buffer });
  return mapIds(plain, (id) => Buffer.from(id).toString('hex')) as TraceRequest;
}

/** What protobufjs reads in an answer. */
export function responseOf(bytes: Uint8Array): {
  partialSuccess?: { rejectedSpans?: string; errorMessage?: string };
} {
  return RESPONSE.toObject(RESPONSE.decode(bytes), { longs: String });
}

const fromHex = (id: string): Buffer => Buffer.from(id, 'hex');

const IDS = new Set(['traceId', 'spanId', 'parentSpanId']);

/** A deep copy with every id converted: OTLP/JSON has hexadecimal where protobuf's own JSON has base64. */
function mapIds(value: unknown, convert: (id: string & Uint8Array) => unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => mapIds(element, convert));
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      IDS.has(key) ? convert(child) : mapIds(child, convert),
    ]),
  );
}
