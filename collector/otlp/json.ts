import { bounded, cleaned, hexadecimal, joinedText, TEXT_LIMIT } from '../../core/text.ts';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import {
  type AttributeBag,
  type AttributeValue,
  HTTP_SPAN_KEYS,
  httpAttributes,
  type KnownKey,
  RESOURCE_KEYS,
  SPAN_KEYS,
} from './attribute-bag.ts';
import { decisionSpanOf, type ReadSpan, senderOf } from './decision-span-of.ts';
import { addOutcome, type Decoded, nothingDecoded, type TimeWindow } from './decoding-result.ts';
import { type DerivationRules, derivedSpanOf, isRoot, SERVER, type ServerSpan } from './derived-span-of.ts';
import { HEADER_NAMES, headerNames } from './header-names.ts';

/*
 * OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): lowerCamelCase names, ids in
 * hexadecimal, 64-bit integers as decimal strings or numbers, unknown fields ignored. A wrong type in place of an
 * object or array makes the body malformed; a scalar of the wrong type counts as absent.
 */

/** The body is JSON, but not OTLP. `decodeTraces` turns it into a declared error. */
export class ShapeError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

const indexesOf = (keys: readonly KnownKey[]): ReadonlyMap<string, number> =>
  new Map(keys.map(({ key }, index) => [key, index]));
const resourceIndexes = indexesOf(RESOURCE_KEYS);
const spanIndexes = indexesOf(SPAN_KEYS);
const httpIndexes = indexesOf(HTTP_SPAN_KEYS);

/**
 * Decodes an ExportTraceServiceRequest (or TracesData, which has the same shape).
 *
 * @throws SyntaxError or ShapeError
 */
export function decodeJson(body: Uint8Array, window: TimeWindow, rules: DerivationRules): Decoded {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  const request: unknown = JSON.parse(text);
  if (!isFields(request)) throw new ShapeError('the body is not an object');
  const decoded = nothingDecoded();
  for (const resourceSpans of listOf(request, 'resourceSpans')) {
    const resource = fieldsOf(resourceSpans.resource, 'resource');
    const sender = senderOf(attributesOf(resource, RESOURCE_KEYS, resourceIndexes));
    for (const scopeSpans of listOf(resourceSpans, 'scopeSpans')) {
      const { name } = fieldsOf(scopeSpans.scope, 'scope');
      const scope = typeof name === 'string' ? cleaned(name) : '';
      for (const span of listOf(scopeSpans, 'spans')) {
        if (scope === SCOPE_NAME) addOutcome(decoded, decisionSpanOf(readSpan(span), sender, window));
        else if (span.kind !== SERVER) addOutcome(decoded, undefined);
        else addOutcome(decoded, derivedSpanOf(readServerSpan(span), sender, scope, window, rules));
      }
    }
  }
  return decoded;
}

function readSpan(span: Fields): ReadSpan {
  const link = listOf(span, 'links')[0];
  const linkTraceId = idOf(link?.traceId, 32);
  const linkSpanId = idOf(link?.spanId, 16);
  const linked = linkTraceId !== '' && linkSpanId !== '';
  return {
    spanId: idOf(span.spanId, 16),
    time: millisOf(span.startTimeUnixNano),
    linkTraceId: linked ? linkTraceId : '',
    linkSpanId: linked ? linkSpanId : '',
    attributes: attributesOf(span, SPAN_KEYS, spanIndexes),
  };
}

function readServerSpan(span: Fields): ServerSpan {
  return {
    spanId: idOf(span.spanId, 16),
    traceId: idOf(span.traceId, 32),
    time: millisOf(span.startTimeUnixNano),
    traceState: typeof span.traceState === 'string' ? cleaned(span.traceState) : '',
    // A parent with a malformed id is still a parent; one of zeros is not.
    isRoot: isRoot(/[^0]/.test(String(span.parentSpanId ?? '')), Number(span.flags) || 0),
    attributes: httpAttributes(attributesOf(span, HTTP_SPAN_KEYS, httpIndexes)),
  };
}

function attributesOf(
  owner: Fields,
  keys: readonly KnownKey[],
  indexes: ReadonlyMap<string, number>,
): AttributeBag {
  const bag: AttributeBag = new Array(keys.length).fill(undefined);
  for (const { key, value } of listOf(owner, 'attributes')) {
    const index = typeof key === 'string' ? indexes.get(key) : undefined;
    const type = index === undefined ? undefined : keys[index]?.type;
    if (index !== undefined && type !== undefined)
      bag[index] = attributeValueOf(fieldsOf(value, 'value'), type);
  }
  return bag;
}

/** The value if it has the type; null if it has another; undefined if absent. */
function attributeValueOf(any: Fields, type: KnownKey['type']): AttributeValue {
  if (type === 'string' && typeof any.stringValue === 'string') return cleaned(any.stringValue);
  if (type === 'boolean' && typeof any.boolValue === 'boolean') return any.boolValue;
  if (type === 'int' && isPresent(any.intValue)) return integerOf(any.intValue);
  if (type === 'string[]' && isPresent(any.arrayValue)) return headerNames(textsOf(any.arrayValue));
  if (type === 'text') {
    if (typeof any.stringValue === 'string') return bounded(cleaned(any.stringValue), TEXT_LIMIT);
    if (isPresent(any.arrayValue)) return joinedText(textsOf(any.arrayValue));
    if (typeof any.boolValue === 'boolean') return String(any.boolValue);
    const integer = isPresent(any.intValue) ? integerOf(any.intValue) : null;
    if (integer !== null) return String(integer);
  }
  return Object.values(any).some(isPresent) ? null : undefined;
}

/** The strings of an ArrayValue, up to the limit for any list. */
function textsOf(arrayValue: unknown): string[] {
  return listOf(fieldsOf(arrayValue, 'arrayValue'), 'values')
    .map(({ stringValue }) => stringValue)
    .filter((element) => typeof element === 'string')
    .slice(0, HEADER_NAMES)
    .map(cleaned);
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null;

/** An int64 as a number, rounded where a double cannot represent it; null when invalid. */
function integerOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : null;
}

/** A lower-case hexadecimal id; empty when it has another length or is all zeros. */
function idOf(value: unknown, digits: number): string {
  const id = typeof value === 'string' ? hexadecimal(value, digits) : '';
  return /[^0]/.test(id) ? id : '';
}

/** Converts nanoseconds to whole milliseconds; 0 when absent. */
function millisOf(nanos: unknown): number {
  const whole = typeof nanos === 'number' && Number.isInteger(nanos) ? nanos : digitsOf(nanos);
  return whole === undefined ? 0 : Number(BigInt(whole) / 1_000_000n);
}

const digitsOf = (value: unknown): string | undefined =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) ? value : undefined;

/** The fields of an object; an absent object has none, as in protobuf. */
function fieldsOf(value: unknown, name: string): Fields {
  if (value === undefined || value === null) return {};
  if (!isFields(value)) throw new ShapeError(`${name} is not an object`);
  return value;
}

function listOf(owner: Fields, name: string): readonly Fields[] {
  const list = owner[name];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new ShapeError(`${name} is not an array`);
  if (!list.every(isFields)) throw new ShapeError(`${name} has an element that is not an object`);
  return list;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
