import type { PbfReader } from 'pbf';
import { type AttributeBag, type AttributeValue, LIST_LIMIT } from './attribute-bag.ts';
import type { KeyTable } from './key-table.ts';
import { closeMessage, delimited, endOfField, fixed64, skipField, varint } from './protobuf-wire.ts';
import { TextTable } from './text-table.ts';

/** A body in the hands of pbf, with the same bytes as Node's Buffer, which decodes text faster. */
export interface Source {
  readonly reader: PbfReader;
  readonly bytes: Buffer;
}

/** For all bodies of this process: they come from the same services. */
const texts = new TextTable();

/** Reads the string field whose length comes next. */
export function readText({ reader, bytes }: Source, end: number): string {
  const fieldEnd = endOfField(reader, end);
  const text = texts.read(bytes, reader.dataView, reader.pos, fieldEnd - reader.pos);
  reader.pos = fieldEnd;
  return text;
}

// message KeyValue { string key = 1; AnyValue value = 2; }
const KEY = delimited(1);
const VALUE = delimited(2);

/** Reads a KeyValue up to `end` into the bag when its key is known. A key that comes again replaces. */
export function readAttribute(source: Source, end: number, keys: KeyTable, bag: AttributeBag): void {
  const { reader } = source;
  const start = reader.pos;
  let keyAt = start;
  let keyLength = 0;
  let valueAt = -1;
  let valueEnd = -1;
  let values = 0;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === KEY) {
      const fieldEnd = endOfField(reader, end);
      keyAt = reader.pos;
      keyLength = fieldEnd - keyAt;
      reader.pos = fieldEnd;
    } else if (tag === VALUE) {
      valueEnd = endOfField(reader, end);
      valueAt = reader.pos;
      values++;
      reader.pos = valueEnd;
    } else {
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);

  const place = keys.find(reader.dataView, keyAt, keyLength);
  const type = keys.keys[place]?.type;
  if (type === undefined) return;
  if (values === 1) {
    reader.pos = valueAt;
    bag[place] = readValue(source, valueEnd, type, undefined);
    reader.pos = end;
  } else {
    bag[place] = readSplitValue(source, start, end, type);
  }
}

/** A message that occurs several times is one message in pieces; they are merged in their order. */
function readSplitValue(source: Source, start: number, end: number, type: string): AttributeValue {
  const { reader } = source;
  let value: AttributeValue;
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === VALUE) value = readValue(source, endOfField(reader, end), type, value);
    else skipField(reader, tag, end);
  }
  return value;
}

// message AnyValue { oneof value { string = 1; bool = 2; int64 = 3; double = 4; ArrayValue = 5; KeyValueList = 6; bytes = 7; } }
const STRING = delimited(1);
const BOOL = varint(2);
const INT = varint(3);
const DOUBLE = fixed64(4);
const ARRAY = delimited(5);
const KVLIST = delimited(6);
const BYTES = delimited(7);

/** Reads an AnyValue up to `end`; the last field of the oneof counts, and one of another type gives null. */
function readValue(source: Source, end: number, type: string, previous: AttributeValue): AttributeValue {
  const { reader } = source;
  let value = previous;
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === STRING && type === 'string') {
      value = readText(source, end);
    } else if (tag === INT && type === 'int') {
      value = reader.readVarint(true);
    } else if (tag === BOOL && type === 'boolean') {
      value = reader.readVarint() !== 0;
    } else if (tag === ARRAY && type === 'string[]') {
      value = readTexts(source, endOfField(reader, end), Array.isArray(value) ? value : []);
    } else {
      if (isValue(tag)) value = null;
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);
  return value;
}

const isValue = (tag: number): boolean =>
  tag === STRING ||
  tag === BOOL ||
  tag === INT ||
  tag === DOUBLE ||
  tag === ARRAY ||
  tag === KVLIST ||
  tag === BYTES;

// message ArrayValue { repeated AnyValue values = 1; }
const ELEMENT = delimited(1);

/** Appends the strings of an ArrayValue up to `end`; elements of another type are passed over. */
function readTexts(source: Source, end: number, before: readonly string[]): readonly string[] {
  const { reader } = source;
  const list = [...before];
  while (reader.pos < end) {
    const tag = reader.readVarint();
    if (tag === ELEMENT && list.length < LIST_LIMIT) {
      const element = readValue(source, endOfField(reader, end), 'string', undefined);
      if (typeof element === 'string') list.push(element);
    } else {
      skipField(reader, tag, end);
    }
  }
  closeMessage(reader, end);
  return list;
}
