import type { KnownKey } from './attribute-bag.ts';
import type { ReadSpan } from './decision-span-of.ts';
import { AttributeReader, type ProtobufInput } from './protobuf-attributes.ts';
import { closeMessage, delimited, endOfField, fixed64, skipField } from './protobuf-wire.ts';

/**
 * The ids of a span, contiguous (span id, the link's span id, the link's trace id), so that they are
 * converted in one call.
 */
const ids = Buffer.alloc(32);

// message Span { bytes span_id = 2; fixed64 start_time_unix_nano = 7; repeated KeyValue attributes = 9; repeated Link links = 13; }
const SPAN_ID = delimited(2);
const START_TIME = fixed64(7);
const ATTRIBUTE = delimited(9);
const LINK = delimited(13);

/** Reads spans and their attributes with known keys. */
export class SpanReader {
  /** Reused for all spans: rows are created synchronously and keep no reference to it. */
  readonly span: ReadSpan;
  readonly #attributes: AttributeReader;

  constructor(keys: readonly KnownKey[]) {
    this.#attributes = new AttributeReader(keys);
    this.span = {
      spanId: '',
      time: 0,
      linkTraceId: '',
      linkSpanId: '',
      attributes: new Array(keys.length).fill(undefined),
    };
  }

  /** Reads a Span up to `end`. The result is valid until the next call. */
  read(input: ProtobufInput, end: number): Readonly<ReadSpan> {
    const { reader } = input;
    const { span } = this;
    span.time = 0;
    span.attributes.fill(undefined);
    let hasId = false;
    let links = 0;
    let linked = false;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      if (tag === ATTRIBUTE) {
        this.#attributes.read(input, endOfField(reader, end), span.attributes);
      } else if (tag === SPAN_ID) {
        hasId = readId(input, end, 8, 0);
      } else if (tag === START_TIME && reader.pos + 8 <= end) {
        const low = reader.readFixed32();
        span.time = millisOf(low, reader.readFixed32());
      } else if (tag === LINK && links++ === 0) {
        linked = readLink(input, endOfField(reader, end));
      } else {
        skipField(reader, tag, end);
      }
    }
    closeMessage(reader, end);

    const hex = ids.toString('hex', 0, linked ? 32 : 8);
    span.spanId = hasId ? hex.slice(0, 16) : '';
    span.linkSpanId = hex.slice(16, 32);
    span.linkTraceId = hex.slice(32);
    return span;
  }
}

// message Link { bytes trace_id = 1; bytes span_id = 2; }
const LINK_TRACE_ID = delimited(1);
const LINK_SPAN_ID = delimited(2);

/** Whether the Link up to `end` has both ids. */
function readLink(input: ProtobufInput, end: number): boolean {
  const { reader } = input;
  let hasTraceId = false;
  let hasSpanId = false;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === LINK_SPAN_ID) hasSpanId = readId(input, end, 8, 8);
    else if (tag === LINK_TRACE_ID) hasTraceId = readId(input, end, 16, 16);
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);
  return hasTraceId && hasSpanId;
}

/** Reads an id into the buffer; false when it has another size or is all zero. */
function readId({ reader, bytes }: ProtobufInput, end: number, size: number, index: number): boolean {
  const fieldEnd = endOfField(reader, end);
  const at = reader.pos;
  reader.pos = fieldEnd;
  if (fieldEnd - at !== size) return false;
  let any = 0;
  for (let next = 0; next < size; next++) {
    const byte = bytes[at + next] as number;
    any |= byte;
    ids[index + next] = byte;
  }
  return any !== 0;
}

/**
 * Converts a 64-bit number of nanoseconds to whole milliseconds. A double cannot represent it, and an error
 * of one millisecond could move a span to another minute, where it would count twice; so 2^32 is split into
 * 4294 · 10^6 + 967296, and every step is exact.
 */
const millisOf = (low: number, high: number): number =>
  high * 4294 + Math.floor((high * 967_296 + low) / 1_000_000);
