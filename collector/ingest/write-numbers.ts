/** A slot (start, epoch milliseconds) with its new number. */
export type Numbered = readonly [slot: number, sequence: number];

/**
 * The numbers of a writer's inserts. They increase over all slots, so that forgetting a slot cannot restart
 * its numbers. An odd number means that every insert of this writer into the slot has ended: its rows are
 * on disk. While the newest number is even, there may be unacknowledged rows, because an insert is in
 * progress, or its process died during it.
 */
export class WriteNumbers {
  #newest = 0;
  /**
   * For each slot, the number of inserts that have not ended: in progress, or failed with possible leftover
   * rows.
   */
  readonly #unended = new Map<number, number>();
  /** The spans of failed inserts, which may be retried. */
  readonly #doubtful = new WeakSet<object>();

  /** Numbers to write before the rows of an insert. */
  begin(spans: object, slots: readonly number[]): Numbered[] {
    if (!this.#doubtful.has(spans)) this.#count(slots, 1);
    return this.#number(slots);
  }

  /** Call it when the insert has failed. */
  fail(
    spans: object,
    slots: readonly number[],
    { mayHaveLeftRows }: { readonly mayHaveLeftRows: boolean },
  ): void {
    if (mayHaveLeftRows) this.#doubtful.add(spans);
    else if (!this.#doubtful.has(spans)) this.#count(slots, -1);
  }

  /** Numbers to write after the rows. */
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
