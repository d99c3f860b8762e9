import type { PbfReader } from 'pbf';
import { bounded, cleaned, joinedText, TEXT_LIMIT } from '../../core/text.ts';
import type { AttributeBag, AttributeValue, KnownKey } from './attribute-bag.ts';
import { type Attribute, AttributeCache } from './attribute-cache.ts';
import { HEADER_NAMES, headerNames } from './header-names.ts';
import { KeyTable } from './key-table.ts';
import { closeMessage, delimited, endOfField, fixed64, skipField, varint } from './protobuf-wire.ts';

/** A body read by pbf, and the same bytes as a Buffer, which decodes text faster. */
export interface ProtobufInput {
  readonly reader: PbfReader;
  readonly bytes: Buffer;
}

/** Longer text is truncated anyway, and a UTF-16 code unit takes at most 3 bytes of UTF-8. */
const TEXT_BYTES = 3 * TEXT_LIMIT + 3;

/** Reads the string field whose length comes next: sanitised, and truncated past the limit. */
export function readText({ reader, bytes }: ProtobufInput, end: number): string {
  const fieldEnd = endOfField(reader, end);
  const at = reader.pos;
  reader.pos = fieldEnd;
  return cleaned(bytes.toString('utf8', at, Math.min(fieldEnd, at + TEXT_BYTES)));
}

/** Reads attributes with known keys into a bag. */
export class AttributeReader {
  readonly #keys: KeyTable;
  readonly #cache = new AttributeCache();

  constructor(keys: readonly KnownKey[]) {
    this.#keys = new KeyTable(keys);
  }

  /** Reads a KeyValue up to `end`. A repeated key replaces the earlier value. */
  read(input: ProtobufInput, end: number, bag: AttributeBag): void {
    const { reader } = input;
    const at = reader.pos;
    let attribute = this.#cache.get(reader.dataView, at, end);
    if (attribute === undefined) {
      attribute = readKeyValue(input, end, this.#keys);
      if (isCacheable(attribute)) this.#cache.set(reader.dataView, at, end, attribute);
    }
    reader.pos = end;
    if (attribute.index >= 0) bag[attribute.index] = attribute.value;
  }
}

// message KeyValue { string key = 1; AnyValue value = 2; }
const KEY = delimited(1);
const VALUE = delimited(2);

/** Large numbers are running totals, which never repeat. */
const isCacheable = ({ value }: Attribute): boolean => typeof value !== 'number' || value < 1000;

const UNKNOWN: Attribute = { index: -1, value: undefined };

function readKeyValue(input: ProtobufInput, end: number, keys: KeyTable): Attribute {
  const { reader } = input;
  const start = reader.pos;
  let keyAt = start;
  let keyLength = 0;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === KEY) {
      const fieldEnd = endOfField(reader, end);
      keyAt = reader.pos;
      keyLength = fieldEnd - keyAt;
      reader.pos = fieldEnd;
    } else {
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);

  const index = keys.find(reader.dataView, keyAt, keyLength);
  const type = keys.keys[index]?.type;
  if (type === undefined) return UNKNOWN;
  reader.pos = start;
  // A message field that occurs several times is merged, in order.
  let value: PartialValue;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === VALUE) value = readAnyValue(input, endOfField(reader, end), type, value);
    else skipField(reader, tag, end);
  }
  if (!isList(value)) return { index, value };
  return { index, value: type === 'text' ? joinedText(value) : headerNames(value) };
}

// message AnyValue { oneof value { string = 1; bool = 2; int64 = 3; double = 4; ArrayValue = 5; KeyValueList = 6; bytes = 7; } }
const STRING = delimited(1);
const BOOL = varint(2);
const INT = varint(3);
const ARRAY = delimited(5);
const VALUES: ReadonlySet<number> = new Set([
  STRING,
  BOOL,
  INT,
  fixed64(4),
  ARRAY,
  delimited(6),
  delimited(7),
]);

type PartialValue = AttributeValue | readonly string[];

const isList = (value: PartialValue): value is readonly string[] => Array.isArray(value);

/** Reads an AnyValue up to `end`; the last field of the oneof wins, and another type gives null. */
function readAnyValue(
  input: ProtobufInput,
  end: number,
  type: KnownKey['type'],
  before: PartialValue,
): PartialValue {
  const { reader } = input;
  let value = before;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === STRING && type === 'string') {
      value = readText(input, end);
    } else if (tag === INT && type === 'int') {
      value = reader.readVarint(true);
    } else if (tag === BOOL && type === 'boolean') {
      value = reader.readVarint() !== 0;
    } else if (tag === ARRAY && type === 'string[]') {
      value = readArray(input, endOfField(reader, end), isList(value) ? value : []);
    } else if (type === 'text' && TEXTS.has(tag)) {
      value = readAsText(input, end, tag, value);
    } else {
      if (VALUES.has(tag)) value = null;
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);
  return value;
}

const TEXTS: ReadonlySet<number> = new Set([STRING, BOOL, INT, ARRAY]);

/** Reads the field of an AnyValue as text, or as a list of texts. */
function readAsText(input: ProtobufInput, end: number, tag: number, before: PartialValue): PartialValue {
  const { reader } = input;
  if (tag === STRING) return bounded(readText(input, end), TEXT_LIMIT);
  if (tag === ARRAY) return readArray(input, endOfField(reader, end), isList(before) ? before : []);
  return tag === INT ? String(reader.readVarint(true)) : String(reader.readVarint() !== 0);
}

// message ArrayValue { repeated AnyValue values = 1; }
const ELEMENT = delimited(1);

/** Appends the strings of an ArrayValue; elements of another type and those past the limit are skipped. */
function readArray(input: ProtobufInput, end: number, before: readonly string[]): readonly string[] {
  const { reader } = input;
  const list = [...before];
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === ELEMENT && list.length < HEADER_NAMES) {
      const element = readAnyValue(input, endOfField(reader, end), 'string', undefined);
      if (typeof element === 'string') list.push(element);
    } else {
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);
  return list;
}
