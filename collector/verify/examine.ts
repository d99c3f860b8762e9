import type { CheckName } from './verification.ts';

/** A possible fault of a period, seen once. */
export interface Fault {
  readonly check: CheckName;
  readonly sentence: string;
}

export interface Judgement {
  readonly faults: readonly Fault[];
  /** Something differs, but the ledger changed while the rows were read, so they must be read again. */
  readonly changing: boolean;
}

export interface Examination<State, Measured> {
  /** The ledger, by period (start, epoch seconds). */
  states(): Promise<ReadonlyMap<number, State>>;
  /** Reads the rows of these periods, or of all. */
  measure(periods: ReadonlySet<number> | undefined): Promise<ReadonlyMap<number, Measured>>;
  /** @param ledger the ledger before and after the rows were read */
  judge(
    period: number,
    ledger: { readonly before: State | undefined; readonly after: State | undefined },
    measured: Measured | undefined,
  ): Judgement;
  /** Waits before differences are checked again. */
  pause(): Promise<void>;
}

export interface Examined<State> {
  readonly faults: ReadonlyMap<number, readonly Fault[]>;
  /** Periods that kept changing, so that differences could not be judged. */
  readonly changing: readonly number[];
  /** The ledger as last read. */
  readonly states: ReadonlyMap<number, State>;
}

const ROUNDS = 4;

/**
 * Compares rows with a ledger while other processes write both. A difference is checked again, and is a
 * fault if it is found twice in a row with an unchanged ledger.
 */
export async function examine<State, Measured>(
  examination: Examination<State, Measured>,
): Promise<Examined<State>> {
  const { states, measure, judge, pause } = examination;
  let wanted: ReadonlySet<number> | undefined;
  let suspected: ReadonlyMap<number, readonly Fault[]> = new Map();
  for (let round = 1; ; round++) {
    const before = await states();
    const measured = await measure(wanted);
    const after = await states();
    const faults = new Map<number, readonly Fault[]>();
    const changing: number[] = [];
    for (const period of wanted ?? new Set([...before.keys(), ...measured.keys()])) {
      const ledger = { before: before.get(period), after: after.get(period) };
      const judgement = judge(period, ledger, measured.get(period));
      if (judgement.faults.length > 0) faults.set(period, judgement.faults);
      else if (judgement.changing) changing.push(period);
    }
    const isSettled = changing.length === 0 && [...faults.keys()].every((period) => suspected.has(period));
    if (isSettled || round === ROUNDS) {
      const fresh = [...faults.keys()].filter((period) => !suspected.has(period));
      for (const period of fresh) faults.delete(period);
      return { faults: sorted(faults), changing: [...changing, ...fresh], states: after };
    }
    suspected = faults;
    wanted = new Set([...faults.keys(), ...changing]);
    await pause();
  }
}

function sorted<Value>(map: ReadonlyMap<number, Value>): Map<number, Value> {
  return new Map([...map].sort(([a], [b]) => a - b));
}
