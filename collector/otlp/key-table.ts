import type { KnownKey } from './attribute-bag.ts';
import { sameBytes, viewOf } from './same-bytes.ts';

interface KeyBytes {
  readonly index: number;
  readonly view: DataView;
}

/** Finds the index of an attribute key by its bytes, without decoding it. */
export class KeyTable {
  readonly keys: readonly KnownKey[];
  /** By length; only a few keys share one. */
  readonly #byLength: KeyBytes[][] = [];

  constructor(keys: readonly KnownKey[]) {
    this.keys = keys;
    for (const [index, { key }] of keys.entries()) {
      const view = viewOf(Buffer.from(key));
      const sameLength = this.#byLength[view.byteLength] ?? [];
      this.#byLength[view.byteLength] = sameLength;
      sameLength.push({ index, view });
    }
  }

  /** @returns the index of the key, or -1 */
  find(view: DataView, at: number, length: number): number {
    const sameLength = this.#byLength[length];
    if (sameLength === undefined) return -1;
    for (const key of sameLength) {
      if (sameBytes(view, at, key.view, 0, length)) return key.index;
    }
    return -1;
  }
}
