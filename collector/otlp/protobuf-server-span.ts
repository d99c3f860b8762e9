import { HTTP_SPAN_KEYS, httpAttributes } from './attribute-bag.ts';
import { isRoot, SERVER, type ServerSpan } from './derived-span-of.ts';
import { type ProtobufInput, readText } from './protobuf-attributes.ts';
import { SpanReader } from './protobuf-span.ts';
import { closeMessage, delimited, endOfField, fixed32, skipField, varint } from './protobuf-wire.ts';

/*
 * message Span { bytes trace_id = 1; string trace_state = 3; bytes parent_span_id = 4; SpanKind kind = 6;
 * fixed32 flags = 16; } in addition to what a SpanReader reads
 */
const TRACE_ID = delimited(1);
const TRACE_STATE = delimited(3);
const PARENT_SPAN_ID = delimited(4);
const KIND = varint(6);
const FLAGS = fixed32(16);

const spans = new SpanReader(HTTP_SPAN_KEYS);
const attributes = httpAttributes(spans.span.attributes);

/**
 * Reads a Span up to `end` if it is of kind SERVER; the result is valid until the next call. The kind is
 * read first, so that other spans only cost a walk over their fields.
 */
export function readServerSpan(input: ProtobufInput, end: number): ServerSpan | undefined {
  const { reader } = input;
  const start = reader.pos;
  let kind = 0;
  let traceId = '';
  let traceState = '';
  let hasParentId = false;
  let flags = 0;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    // Enums are encoded as int32.
    if (tag === KIND) kind = reader.readVarint(true) | 0;
    else if (tag === TRACE_ID) traceId = readTraceId(input, end);
    else if (tag === TRACE_STATE) traceState = readText(input, end);
    else if (tag === PARENT_SPAN_ID) hasParentId = readsAnyBit(input, end);
    else if (tag === FLAGS && reader.pos + 4 <= end) flags = reader.readFixed32();
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);
  if (kind !== SERVER) return undefined;
  reader.pos = start;
  const { spanId, time } = spans.read(input, end);
  return { spanId, time, traceId, traceState, isRoot: isRoot(hasParentId, flags), attributes };
}

function readTraceId({ reader, bytes }: ProtobufInput, end: number): string {
  const fieldEnd = endOfField(reader, end);
  const at = reader.pos;
  reader.pos = fieldEnd;
  const id = fieldEnd - at === 16 ? bytes.toString('hex', at, fieldEnd) : '';
  return /[^0]/.test(id) ? id : '';
}

/**
 * Whether an id has a non-zero byte, regardless of its length: a parent with a malformed id is still a
 * parent.
 */
function readsAnyBit({ reader, bytes }: ProtobufInput, end: number): boolean {
  const fieldEnd = endOfField(reader, end);
  const at = reader.pos;
  reader.pos = fieldEnd;
  return bytes.subarray(at, fieldEnd).some((byte) => byte !== 0);
}
