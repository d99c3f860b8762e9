import { PbfReader } from 'pbf';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { type AttributeBag, RESOURCE_KEYS, SPAN_KEYS } from './attribute-bag.ts';
import { decisionSpanOf, type Sender, senderOf } from './decision-span-of.ts';
import { addOutcome, type Decoded, nothingDecoded, type TimeWindow } from './decoding-result.ts';
import { type DerivationRules, derivedSpanOf } from './derived-span-of.ts';
import { AttributeReader, type ProtobufInput, readText } from './protobuf-attributes.ts';
import { readServerSpan } from './protobuf-server-span.ts';
import { SpanReader } from './protobuf-span.ts';
import { closeMessage, delimited, endOfField, skipField, WireError } from './protobuf-wire.ts';

/*
 * A projection of opentelemetry/proto/collector/trace/v1/trace_service.proto: reads the fields that decisions need and
 * skips all others. Fields may come in any order and messages in pieces, so a message whose parts depend on each other
 * (a resource and its spans, a scope and its spans) is walked twice; that is cheap, because nested fields are skipped.
 */

const resourceAttributes = new AttributeReader(RESOURCE_KEYS);
const decisionSpans = new SpanReader(SPAN_KEYS);

/** The maximum number of spans of a request: a span may be encoded in two bytes, and each takes time. */
const MAX_SPANS = 250_000;

interface Walk extends ProtobufInput {
  spans: number;
  readonly window: TimeWindow;
  readonly rules: DerivationRules;
  readonly decoded: Decoded;
}

/**
 * Decodes an ExportTraceServiceRequest (or TracesData, which has the same shape).
 *
 * @throws WireError, or any error of pbf
 */
export function decodeProtobuf(body: Uint8Array, window: TimeWindow, rules: DerivationRules): Decoded {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const decoded = nothingDecoded();
  const walk: Walk = { reader: new PbfReader(bytes), bytes, spans: 0, window, rules, decoded };
  const RESOURCE_SPANS = delimited(1);
  const { reader } = walk;
  const end = bytes.length;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === RESOURCE_SPANS) readResourceSpans(walk, endOfField(reader, end));
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);
  return decoded;
}

// message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
const RESOURCE = delimited(1);
const SCOPE_SPANS = delimited(2);

function readResourceSpans(walk: Walk, end: number): void {
  const { reader } = walk;
  const start = reader.pos;
  const attributes: AttributeBag = [];
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === RESOURCE) readResource(walk, endOfField(reader, end), attributes);
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);

  const sender = senderOf(attributes);
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === SCOPE_SPANS) readScopeSpans(walk, endOfField(reader, end), sender);
    else skipField(reader, tag, end);
  }
}

// message Resource { repeated KeyValue attributes = 1; }
const RESOURCE_ATTRIBUTE = delimited(1);

function readResource(walk: Walk, end: number, attributes: AttributeBag): void {
  const { reader } = walk;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === RESOURCE_ATTRIBUTE) resourceAttributes.read(walk, endOfField(reader, end), attributes);
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);
}

// message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
const SCOPE = delimited(1);
const SPANS = delimited(2);

function readScopeSpans(walk: Walk, end: number, sender: Sender): void {
  const { reader } = walk;
  const start = reader.pos;
  let scope = '';
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === SCOPE) scope = readScopeName(walk, endOfField(reader, end), scope);
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);

  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === SPANS) takeSpan(walk, endOfField(reader, end), sender, scope);
    else skipField(reader, tag, end);
  }
}

function takeSpan(walk: Walk, end: number, sender: Sender, scope: string): void {
  const { decoded, window, rules } = walk;
  if (++walk.spans > MAX_SPANS) throw new WireError(`it has more than ${MAX_SPANS} spans`);
  if (scope === SCOPE_NAME) {
    addOutcome(decoded, decisionSpanOf(decisionSpans.read(walk, end), sender, window));
    return;
  }
  const span = readServerSpan(walk, end);
  addOutcome(decoded, span && derivedSpanOf(span, sender, scope, window, rules));
}

// message InstrumentationScope { string name = 1; }
const SCOPE_NAME_FIELD = delimited(1);

function readScopeName(walk: Walk, end: number, before: string): string {
  const { reader } = walk;
  let name = before;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === SCOPE_NAME_FIELD) name = readText(walk, end);
    else skipField(reader, tag, end);
  }
  closeMessage(reader, end);
  return name;
}
