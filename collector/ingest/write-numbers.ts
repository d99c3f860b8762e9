/** A slot (start, epoch milliseconds) with the number that it gets. */
export type Numbered = readonly [slot: number, sequence: number];

/**
 * The numbers of a writer's inserts. Greater ones are younger, through all slots, so that forgetting a slot cannot
 * begin it anew. Odd ones say that every insert of this writer into the slot has ended: its rows are on disk. While
 * the newest one is even, rows may be there that nobody was told of, because an insert is under way, or its process
 * died in the middle of it.
 */
export class WriteNumbers {
  #newest = 0;
  /** By slot, how many inserts have not ended: they are under way, or failed and may have left rows. */
  readonly #unended = new Map<number, number>();
  /** What was inserted by those that failed: the same spans may be tried again. */
  readonly #doubtful = new WeakSet<object>();

  /** For the time before an insert's rows. */
  begin(spans: object, slots: readonly number[]): Numbered[] {
    if (!this.#doubtful.has(spans)) this.#count(slots, 1);
    return this.#number(slots);
  }

  /** The insert has failed. */
  fail(
    spans: object,
    slots: readonly number[],
    { mayHaveLeftRows }: { readonly mayHaveLeftRows: boolean },
  ): void {
    if (mayHaveLeftRows) this.#doubtful.add(spans);
    else if (!this.#doubtful.has(spans)) this.#count(slots, -1);
  }

  /** For the time after its rows. */
  end(spans: object, slots: readonly number[]): Numbered[] {
    this.#doubtful.delete(spans);
    this.#count(slots, -1);
    return this.#number(slots);
  }

  #number(slots: readonly number[]): Numbered[] {
    this.#newest += 2;
    return slots.map((slot) => [slot, this.#newest + (this.#unended.has(slot) ? 0 : 1)]);
  }

  #count(slots: readonly number[], change: 1 | -1): void {
    for (const slot of slots) {
      const count = (this.#unended.get(slot) ?? 0) + change;
      if (count === 0) this.#unended.delete(slot);
      else this.#unended.set(slot, count);
    }
  }
}
