import { SPAN_KEYS } from './attribute-bag.ts';
import type { ReadSpan } from './decision-span-of.ts';
import { KeyTable } from './key-table.ts';
import { readAttribute, type Source } from './protobuf-attributes.ts';
import { closeMessage, delimited, endOfField, fixed64, skipField } from './protobuf-wire.ts';

const spanKeys = new KeyTable(SPAN_KEYS);

/** One for all: nothing of it outlives the making of a row, and reading is synchronous. */
const span: ReadSpan = {
  spanId: '',
  time: 0,
  linkTraceId: '',
  linkSpanId: '',
  attributes: new Array(SPAN_KEYS.length).fill(undefined),
};

// message Span { bytes span_id = 2; fixed64 start_time_unix_nano = 7; repeated KeyValue attributes = 9; repeated Link links = 13; }
const SPAN_ID = delimited(2);
const START_TIME = fixed64(7);
const ATTRIBUTE = delimited(9);
const LINK = delimited(13);

/** Reads a Span up to `end`. The result is valid until the next call. */
export function readSpan(source: Source, end: number): Readonly<ReadSpan> {
  const { reader } = source;
  span.spanId = '';
  span.time = 0;
  span.linkTraceId = '';
  span.linkSpanId = '';
  span.attributes.fill(undefined);
  let links = 0;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === ATTRIBUTE) {
      readAttribute(source, endOfField(reader, end), spanKeys, span.attributes);
    } else if (tag === SPAN_ID) {
      span.spanId = readId(source, end, 8);
    } else if (tag === START_TIME && reader.pos + 8 <= end) {
      const low = reader.readFixed32();
      span.time = millisOf(low, reader.readFixed32());
    } else if (tag === LINK && links++ === 0) {
      readLink(source, endOfField(reader, end));
    } else {
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);
  return span;
}

// message Link { bytes trace_id = 1; bytes span_id = 2; }
const LINK_TRACE_ID = delimited(1);
const LINK_SPAN_ID = delimited(2);

function readLink(source: Source, end: number): void {
  const { reader } = source;
  let traceId = '';
  let spanId = '';
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === LINK_TRACE_ID) traceId = readId(source, end, 16);
    else if (tag === LINK_SPAN_ID) spanId = readId(source, end, 8);
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);
  if (traceId === '' || spanId === '') return;
  span.linkTraceId = traceId;
  span.linkSpanId = spanId;
}

/** Reads an id of `size` bytes as hexadecimal; empty when its size is another or all of it is zero. */
function readId({ reader, bytes }: Source, end: number, size: number): string {
  const fieldEnd = endOfField(reader, end);
  const at = reader.pos;
  reader.pos = fieldEnd;
  if (fieldEnd - at !== size) return '';
  for (let next = at; next < fieldEnd; next++) {
    if (bytes[next] !== 0) return bytes.toString('hex', at, fieldEnd);
  }
  return '';
}

/**
 * Whole milliseconds of a 64-bit count of nanoseconds. A double cannot hold such a count, and an error of one
 * millisecond could put a span into another minute, where it would count again; so 2^32 is split into
 * 4294 · 10^6 + 967296, and every step is exact.
 */
const millisOf = (low: number, high: number): number =>
  high * 4294 + Math.floor((high * 967_296 + low) / 1_000_000);
