import { PbfReader, PbfWriter } from 'pbf';
import { OriginscopeError } from '../errors.ts';
import type { Encoding } from '../otlp/decode.ts';
import { delimited, endOfField, skipField } from '../otlp/protobuf-wire.ts';

/**
 * The body as parts of at most so many bytes, each an OTLP request of its own with whole spans: by resource,
 * where one is too large by scope, and where that is too large by span. A body that fits stays as it is.
 *
 * @param body an OTLP request that was decoded before
 * @throws OriginscopeError `BODY_TOO_LARGE` when a single span is larger
 */
export function splitBody(body: Buffer, encoding: Encoding, maxBytes: number): Buffer[] {
  if (body.length <= maxBytes) return [body];
  if (encoding === 'protobuf') return split(PROTOBUF, body, maxBytes);
  return split(JSON_NOTATION, JSON.parse(body.toString()) as unknown, maxBytes).map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
}

/** A list in OTLP: the number of its field, and its name. */
interface List {
  readonly field: number;
  readonly name: string;
}

/** The lists on the way from a request to its spans, each in an item of the one before. */
const LISTS: readonly List[] = [
  { field: 1, name: 'resourceSpans' },
  { field: 2, name: 'scopeSpans' },
  { field: 2, name: 'spans' },
];

/** How a message is taken apart into a list and the rest of it, its head, and put together. */
interface Notation<Message> {
  bytesOf(message: Message): number;
  /** What an item takes in the list beside its own bytes, at most. */
  readonly itemOverhead: number;
  open(message: Message, list: List): { readonly head: Message; readonly items: readonly Message[] };
  join(head: Message, items: readonly Message[], list: List): Message;
}

function split<Message>(
  notation: Notation<Message>,
  message: Message,
  maxBytes: number,
  [list, ...inner]: readonly List[] = LISTS,
): Message[] {
  const { bytesOf, itemOverhead, open, join } = notation;
  if (bytesOf(message) <= maxBytes) return [message];
  if (list === undefined) throw spanTooLarge(maxBytes);
  const { head, items } = open(message, list);
  const room = maxBytes - bytesOf(head);
  const parts: Message[] = [];
  let taken: Message[] = [];
  let takenBytes = 0;
  for (const item of items.flatMap((each) => split(notation, each, room - itemOverhead, inner))) {
    const bytes = bytesOf(item) + itemOverhead;
    if (taken.length > 0 && takenBytes + bytes > room) {
      parts.push(join(head, taken, list));
      taken = [];
      takenBytes = 0;
    }
    taken.push(item);
    takenBytes += bytes;
  }
  if (taken.length > 0) parts.push(join(head, taken, list));
  return parts;
}

const PROTOBUF: Notation<Buffer> = {
  bytesOf: (message) => message.length,
  // A tag of one byte, and a length.
  itemOverhead: 6,
  open(message, { field }) {
    const reader = new PbfReader(message);
    const head: Buffer[] = [];
    const items: Buffer[] = [];
    while (reader.pos < message.length) {
      const start = reader.pos;
      const tag = reader.readVarint();
      if (tag === delimited(field)) {
        const end = endOfField(reader, message.length);
        items.push(message.subarray(reader.pos, end));
        reader.pos = end;
      } else {
        skipField(reader, tag, message.length);
        head.push(message.subarray(start, reader.pos));
      }
    }
    return { head: Buffer.concat(head), items };
  },
  join(head, items, { field }) {
    const writer = new PbfWriter();
    for (const item of items) writer.writeBytesField(field, item);
    return Buffer.concat([head, writer.finish()]);
  },
};

const JSON_NOTATION: Notation<unknown> = {
  bytesOf: (message) => Buffer.byteLength(JSON.stringify(message)),
  // A comma.
  itemOverhead: 1,
  open(message, { name }) {
    const { [name]: items, ...head } = message as Record<string, unknown>;
    return { head: { ...head, [name]: [] }, items: Array.isArray(items) ? items : [] };
  },
  join: (head, items, { name }) => ({ ...(head as object), [name]: items }),
};

function spanTooLarge(maxBytes: number): OriginscopeError {
  return new OriginscopeError('BODY_TOO_LARGE', `A span with its resource is larger than ${maxBytes} bytes`, {
    remedy: 'Send smaller spans, or raise max.message.bytes of the topic.',
  });
}
