import { sameBytes, viewOf } from './same-bytes.ts';
import { cleaned } from './text.ts';

const PLACES = 8192;
const PLACE_BYTES = 128;

/** No attribute keeps more than 512 code units, and a code unit takes at most 3 bytes of UTF-8. */
const DECODED_BYTES = 3 * 512 + 3;

/**
 * Decodes UTF-8 to clean text, and remembers: services send the same origins, routes and words over and over,
 * and comparing bytes is several times cheaper than making a string of them again. Each text has one place,
 * found by a hash; who comes later takes it over, so the table can neither grow nor be poisoned, only missed.
 */
export class TextTable {
  readonly #bytes = Buffer.alloc(PLACES * PLACE_BYTES);
  readonly #view = viewOf(this.#bytes);
  readonly #lengths = new Uint8Array(PLACES);
  readonly #texts: string[] = new Array(PLACES).fill('');

  /** Text longer than 512 code units may come without its end. */
  read(bytes: Buffer, view: DataView, at: number, length: number): string {
    if (length === 0) return '';
    if (length > PLACE_BYTES) return decoded(bytes, at, length);
    const place = placeOf(view, at, length);
    const known = this.#texts[place];
    if (
      known !== undefined &&
      this.#lengths[place] === length &&
      sameBytes(view, at, this.#view, place * PLACE_BYTES, length)
    ) {
      return known;
    }
    const text = decoded(bytes, at, length);
    bytes.copy(this.#bytes, place * PLACE_BYTES, at, at + length);
    this.#lengths[place] = length;
    this.#texts[place] = text;
    return text;
  }
}

const decoded = (bytes: Buffer, at: number, length: number): string =>
  cleaned(bytes.toString('utf8', at, at + Math.min(length, DECODED_BYTES)));

function placeOf(view: DataView, at: number, length: number): number {
  const end = at + length;
  let hash = length;
  let next = at;
  for (; next + 4 <= end; next += 4) hash = Math.imul(hash ^ view.getUint32(next), 0x9e3779b1);
  for (; next < end; next++) hash = Math.imul(hash ^ view.getUint8(next), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
