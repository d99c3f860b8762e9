import type { AttributeValue } from './attribute-bag.ts';
import { sameBytes, viewOf } from './same-bytes.ts';

/** An attribute as read: its place in the bag (-1 when nobody looks at it) and its value. */
export interface Attribute {
  readonly place: number;
  readonly value: AttributeValue;
}

const ENTRIES = 8192;
const ENTRY_BYTES = 128;

/**
 * Remembers attributes by the bytes of their whole message. Services send the same kinds, origins and routes
 * over and over, and comparing bytes is several times cheaper than reading them and making strings again.
 * Each attribute has one entry, found by a hash, and who comes later takes it over: the memory cannot grow
 * past 8,192 attributes of 128 bytes, and a hostile sender can make others miss but never mistake.
 */
export class AttributeMemory {
  readonly #bytes = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  readonly #view = viewOf(this.#bytes);
  readonly #lengths = new Uint8Array(ENTRIES);
  readonly #attributes: (Attribute | undefined)[] = new Array(ENTRIES).fill(undefined);

  /** What the bytes from `at` to `end` were read as, if they are remembered. */
  recall(view: DataView, at: number, end: number): Attribute | undefined {
    const length = end - at;
    if (length < 4 || length > ENTRY_BYTES) return undefined;
    const entry = entryOf(view, at, end);
    if (this.#lengths[entry] !== length) return undefined;
    return sameBytes(view, at, this.#view, entry * ENTRY_BYTES, length) ? this.#attributes[entry] : undefined;
  }

  remember(view: DataView, at: number, end: number, attribute: Attribute): void {
    const length = end - at;
    if (length < 4 || length > ENTRY_BYTES) return;
    const entry = entryOf(view, at, end);
    const start = entry * ENTRY_BYTES;
    for (let next = 0; next < length; next++) this.#bytes[start + next] = view.getUint8(at + next);
    this.#lengths[entry] = length;
    this.#attributes[entry] = attribute;
  }
}

/** Multiplicative hash over words; the last one overlaps its neighbour where the length is no multiple of 4. */
function entryOf(view: DataView, at: number, end: number): number {
  const last = end - 4;
  let hash = Math.imul(view.getUint32(last, true) ^ (end - at), 0x9e3779b1);
  for (let next = at; next < last; next += 4) {
    hash = Math.imul(hash ^ view.getUint32(next, true), 0x9e3779b1);
  }
  return hash >>> 19;
}
