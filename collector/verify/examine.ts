import type { CheckName } from './verification.ts';

/** A difference between the rows and the ledger of a period, seen once. */
export interface Difference {
  readonly check: CheckName;
  readonly sentence: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Something differs, but the ledger changed while the rows were read, so they must be read again. */
  readonly changing: boolean;
}

export interface Examination<State, Measured> {
  /** The ledger, by period (start, epoch seconds). */
  states(): Promise<ReadonlyMap<number, State>>;
  /** Reads the rows of these periods, or of all. */
  measure(periods: ReadonlySet<number> | undefined): Promise<ReadonlyMap<number, Measured>>;
  /** @param ledger the ledger before and after the rows were read */
  compare(
    period: number,
    ledger: { readonly before: State | undefined; readonly after: State | undefined },
    measured: Measured | undefined,
  ): Comparison;
  /** Waits before differences are checked again. */
  pause(): Promise<void>;
}

export interface Examined<State> {
  readonly differences: ReadonlyMap<number, readonly Difference[]>;
  /** Periods that kept changing, so that differences could not be confirmed. */
  readonly changing: readonly number[];
  /** The ledger as last read. */
  readonly states: ReadonlyMap<number, State>;
}

const ROUNDS = 4;

/**
 * Compares rows with a ledger while other processes write both. A difference is checked again, and is a
 * finding if it is found twice in a row with an unchanged ledger.
 */
export async function examine<State, Measured>(
  examination: Examination<State, Measured>,
): Promise<Examined<State>> {
  const { states, measure, compare, pause } = examination;
  let wanted: ReadonlySet<number> | undefined;
  let suspected: ReadonlyMap<number, readonly Difference[]> = new Map();
  for (let round = 1; ; round++) {
    const before = await states();
    const measured = await measure(wanted);
    const after = await states();
    const differences = new Map<number, readonly Difference[]>();
    const changing: number[] = [];
    for (const period of wanted ?? new Set([...before.keys(), ...measured.keys()])) {
      const ledger = { before: before.get(period), after: after.get(period) };
      const comparison = compare(period, ledger, measured.get(period));
      if (comparison.differences.length > 0) differences.set(period, comparison.differences);
      else if (comparison.changing) changing.push(period);
    }
    const isSettled =
      changing.length === 0 && [...differences.keys()].every((period) => suspected.has(period));
    if (isSettled || round === ROUNDS) {
      const fresh = [...differences.keys()].filter((period) => !suspected.has(period));
      for (const period of fresh) differences.delete(period);
      return { differences: sorted(differences), changing: [...changing, ...fresh], states: after };
    }
    suspected = differences;
    wanted = new Set([...differences.keys(), ...changing]);
    await pause();
  }
}

function sorted<Value>(map: ReadonlyMap<number, Value>): Map<number, Value> {
  return new Map([...map].sort(([a], [b]) => a - b));
}
