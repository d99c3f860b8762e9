import { PbfReader } from 'pbf';
import { OriginscopeError } from '../../../core/errors.ts';
import type { Encoding } from '../../otlp/decode.ts';
import { delimited, endOfField, skipField } from '../../otlp/protobuf-wire.ts';

/**
 * The maximum total size of all parts relative to the body. Each part repeats the resource and scope of its
 * spans, so a large resource would be multiplied by the number of parts.
 */
const MAX_GROWTH = 2;

/**
 * The maximum number of fields of a request, its resources and scopes; each takes memory while the body is
 * split.
 */
const MAX_FIELDS = 250_000;

/**
 * Splits a body into parts of at most `maxBytes`, each a valid OTLP request with complete spans: by
 * resource, if that is too large by scope, and if that is too large by span. A body that fits is unchanged.
 *
 * @param body an OTLP request that was decoded before
 * @throws OriginscopeError `BODY_TOO_LARGE` when a single span is too large, or when the parts together
 * would be much larger than the body; checked before any part is created
 */
export function splitBody(body: Buffer, encoding: Encoding, maxBytes: number): Buffer[] {
  if (body.length <= maxBytes) return [body];
  const notation = encoding === 'protobuf' ? PROTOBUF : JSON_NOTATION;
  const parts = partsOf(notation.read(body), maxBytes, notation);
  const bytes = parts.reduce((sum, part) => sum + sizeOf(part), 0);
  if (bytes > MAX_GROWTH * body.length) throw resourceTooLarge(maxBytes);
  return parts.map((part) => Buffer.concat(piecesOf(part, notation)));
}

/** A repeated field in OTLP: its number and name. */
interface List {
  readonly field: number;
  readonly name: string;
}

/** The nested lists from a request to its spans. */
const LISTS: readonly List[] = [
  { field: 1, name: 'resourceSpans' },
  { field: 2, name: 'scopeSpans' },
  { field: 2, name: 'spans' },
];

/** An encoded message: a span as is, others as the bytes around their list, and its items. */
type Message = Buffer | Branch;

interface Branch {
  readonly list: List;
  readonly before: Buffer;
  readonly items: readonly Message[];
  readonly after: Buffer;
  /** Upper bound of its encoded size. */
  readonly bytes: number;
}

/** How messages are parsed and reassembled. */
interface Notation {
  read(body: Buffer): Message;
  /** The bytes before an item. */
  lead(item: Message, list: List, isFirst: boolean): Buffer;
}

const sizeOf = (message: Message): number => (Buffer.isBuffer(message) ? message.length : message.bytes);

/** Upper bound of the size of an item in its list. */
const sizeIn = (list: List, item: Message, { lead }: Notation): number =>
  lead(item, list, false).length + sizeOf(item);

const branchOf = (parts: Omit<Branch, 'bytes'>, notation: Notation): Branch => {
  const { list, before, items, after } = parts;
  const around = before.length + after.length;
  return { ...parts, bytes: items.reduce((sum, item) => sum + sizeIn(list, item, notation), around) };
};

function partsOf(message: Message, maxBytes: number, notation: Notation): Message[] {
  if (sizeOf(message) <= maxBytes) return [message];
  if (Buffer.isBuffer(message)) throw spanTooLarge(maxBytes);
  const { list, before, after } = message;
  const room = maxBytes - before.length - after.length;
  const groups: Message[][] = [];
  let takenBytes = Number.POSITIVE_INFINITY;
  for (const item of message.items) {
    // The prefix of a part is not longer than that of the whole.
    const inner = room - notation.lead(item, list, false).length;
    for (const part of partsOf(item, inner, notation)) {
      const bytes = sizeIn(list, part, notation);
      if (takenBytes + bytes > room) {
        groups.push([]);
        takenBytes = 0;
      }
      groups.at(-1)?.push(part);
      takenBytes += bytes;
    }
  }
  return groups.map((items) => branchOf({ list, before, items, after }, notation));
}

function piecesOf(message: Message, notation: Notation, pieces: Buffer[] = []): Buffer[] {
  if (Buffer.isBuffer(message)) {
    pieces.push(message);
    return pieces;
  }
  pieces.push(message.before);
  for (const [place, item] of message.items.entries()) {
    pieces.push(notation.lead(item, message.list, place === 0));
    piecesOf(item, notation, pieces);
  }
  pieces.push(message.after);
  return pieces;
}

const NOTHING = Buffer.alloc(0);

const PROTOBUF: Notation = {
  read(body) {
    let fields = 0;
    const read = (message: Buffer, [list, ...inner]: readonly List[]): Message => {
      if (list === undefined) return message;
      const reader = new PbfReader(message);
      const others: Buffer[] = [];
      const items: Message[] = [];
      while (reader.pos < message.length) {
        if (++fields > MAX_FIELDS) throw tooManyFields();
        const start = reader.pos;
        const tag = reader.readVarint();
        if (tag === delimited(list.field)) {
          const end = endOfField(reader, message.length);
          items.push(read(message.subarray(reader.pos, end), inner));
          reader.pos = end;
        } else {
          skipField(reader, tag, message.length);
          others.push(message.subarray(start, reader.pos));
        }
      }
      return branchOf({ list, before: Buffer.concat(others), items, after: NOTHING }, PROTOBUF);
    };
    return read(body, LISTS);
  },
  lead(item, { field }) {
    const lead = [delimited(field)];
    let length = sizeOf(item);
    for (; length > 0x7f; length >>>= 7) lead.push((length & 0x7f) | 0x80);
    lead.push(length);
    return Buffer.from(lead);
  },
};

const COMMA = Buffer.from(',');
const LIST_END = Buffer.from(']}');

const JSON_NOTATION: Notation = {
  read(body) {
    let fields = 0;
    const read = (message: unknown, [list, ...inner]: readonly List[]): Message => {
      if (++fields > MAX_FIELDS) throw tooManyFields();
      if (list === undefined) return Buffer.from(JSON.stringify(message));
      const { [list.name]: found, ...others } = message as Record<string, unknown>;
      const items = Array.isArray(found) ? found.map((item) => read(item, inner)) : [];
      const text = JSON.stringify({ ...others, [list.name]: [] });
      const before = Buffer.from(text.slice(0, -LIST_END.length));
      return branchOf({ list, before, items, after: LIST_END }, JSON_NOTATION);
    };
    return read(JSON.parse(body.toString()), LISTS);
  },
  lead: (_item, _list, isFirst) => (isFirst ? NOTHING : COMMA),
};

function spanTooLarge(maxBytes: number): OriginscopeError {
  return new OriginscopeError('BODY_TOO_LARGE', {
    problem: `a span with its resource is larger than ${maxBytes} bytes`,
    remedy: 'Send smaller spans, or raise max.message.bytes of the topic.',
  });
}

function resourceTooLarge(maxBytes: number): OriginscopeError {
  return new OriginscopeError('BODY_TOO_LARGE', {
    problem: `it must be split into messages of ${maxBytes} bytes, and its resources are too large to be repeated in each`,
    remedy: 'Send smaller batches or smaller resources, or raise max.message.bytes of the topic.',
  });
}

function tooManyFields(): OriginscopeError {
  return new OriginscopeError('BODY_TOO_LARGE', { problem: `more than ${MAX_FIELDS} spans` });
}
