import type { AttributeValue } from './attribute-bag.ts';
import { sameBytes, viewOf } from './same-bytes.ts';

/** A decoded attribute: its index in the bag (-1 when unused) and its value. */
export interface Attribute {
  readonly index: number;
  readonly value: AttributeValue;
}

const ENTRIES = 8192;
const ENTRY_BYTES = 128;

/**
 * Caches decoded attributes by their encoded bytes. Services send the same values over and over, and
 * comparing bytes is several times cheaper than decoding them and creating strings. Direct-mapped: each
 * attribute hashes to one entry, and a later one replaces an earlier one. Memory is bounded by 8,192
 * entries of 128 bytes, and a hostile sender can cause misses but never wrong hits.
 */
export class AttributeCache {
  readonly #bytes = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  readonly #view = viewOf(this.#bytes);
  readonly #lengths = new Uint8Array(ENTRIES);
  readonly #attributes: (Attribute | undefined)[] = new Array(ENTRIES).fill(undefined);

  /** Returns the attribute that was decoded from the bytes from `at` to `end`, if cached. */
  get(view: DataView, at: number, end: number): Attribute | undefined {
    const length = end - at;
    if (length < 4 || length > ENTRY_BYTES) return undefined;
    const entry = entryOf(view, at, end);
    if (this.#lengths[entry] !== length) return undefined;
    return sameBytes(view, at, this.#view, entry * ENTRY_BYTES, length) ? this.#attributes[entry] : undefined;
  }

  set(view: DataView, at: number, end: number, attribute: Attribute): void {
    const length = end - at;
    if (length < 4 || length > ENTRY_BYTES) return;
    const entry = entryOf(view, at, end);
    const start = entry * ENTRY_BYTES;
    for (let next = 0; next < length; next++) this.#bytes[start + next] = view.getUint8(at + next);
    this.#lengths[entry] = length;
    this.#attributes[entry] = attribute;
  }
}

/**
 * Multiplicative hash over words; the last one overlaps its neighbour where the length is not a multiple of
 * 4.
 */
function entryOf(view: DataView, at: number, end: number): number {
  const last = end - 4;
  let hash = Math.imul(view.getUint32(last, true) ^ (end - at), 0x9e3779b1);
  for (let next = at; next < last; next += 4) {
    hash = Math.imul(hash ^ view.getUint32(next, true), 0x9e3779b1);
  }
  return hash >>> 19;
}
