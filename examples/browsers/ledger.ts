import type { Reason, Verdict } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Block } from './fetch-algorithm.ts';

/** A browser's result of one CORS exchange. */
export interface Experience {
  readonly service: string;
  readonly origin: string;
  readonly kind: 'preflight' | 'actual';
  readonly block: Block | null;
  readonly includesCredentials: boolean;
  /** The result in the other credentials mode. */
  readonly otherwise: Block | null;
  /** Whether the request showed its credentials mode to the server. */
  readonly showsCredentials: boolean;
}

export interface LedgerRow {
  readonly service: string;
  readonly origin: string;
  readonly kind: string;
  readonly verdict: Verdict;
  /** Empty when allowed. */
  readonly reason: Reason | '';
  readonly decisions: number;
}

export interface Mismatch extends Omit<LedgerRow, 'decisions'> {
  readonly experienced: number;
  readonly recorded: number;
}

/** Counts the results of browsers, as far as a server can know them. */
export class Ledger {
  readonly #rows = new Map<string, LedgerRow>();
  #exchanges = 0;
  #undecidable = 0;

  /** Exchanges so far. */
  get exchanges(): number {
    return this.#exchanges;
  }

  /** Exchanges whose verdict depends on a credentials mode that no server can see. */
  get undecidable(): number {
    return this.#undecidable;
  }

  note(experience: Experience): void {
    const { service, origin, kind } = experience;
    const known = asServerKnows(experience);
    this.#exchanges += 1;
    if (known.verdict === 'unknown') this.#undecidable += 1;
    const key = keyOf({ service, origin, kind, ...known });
    const decisions = (this.#rows.get(key)?.decisions ?? 0) + 1;
    this.#rows.set(key, { service, origin, kind, ...known, decisions });
  }

  rows(): LedgerRow[] {
    return [...this.#rows.values()];
  }
}

/**
 * A preflight never shows the credentials mode, and an actual request only by its headers. If the modes
 * have different verdicts and the mode is hidden, "unknown" is the only correct verdict.
 */
function asServerKnows(experience: Experience): Pick<LedgerRow, 'verdict' | 'reason'> {
  const { block, otherwise, includesCredentials, showsCredentials } = experience;
  if (showsCredentials) return verdictOf(block);
  if ((block === null) !== (otherwise === null)) {
    return { verdict: 'unknown', reason: 'credentials_mode_unknown' };
  }
  // Blocked in both modes, possibly for different reasons: the one without credentials is certain.
  return verdictOf(includesCredentials ? otherwise : block);
}

function verdictOf(block: Block | null): Pick<LedgerRow, 'verdict' | 'reason'> {
  return block === null ? { verdict: 'allowed', reason: '' } : { verdict: 'blocked', reason: block.reason };
}

/** Every row in which browsers and records differ. */
export function compare(experienced: readonly LedgerRow[], recorded: readonly LedgerRow[]): Mismatch[] {
  const rows = new Map<string, { row: LedgerRow; experienced: number; recorded: number }>();
  const at = (row: LedgerRow) => {
    const found = rows.get(keyOf(row)) ?? { row, experienced: 0, recorded: 0 };
    rows.set(keyOf(row), found);
    return found;
  };
  for (const row of experienced) at(row).experienced += row.decisions;
  for (const row of recorded) at(row).recorded += row.decisions;
  return [...rows.values()]
    .filter((counts) => counts.experienced !== counts.recorded)
    .map(({ row: { decisions: _, ...row }, ...counts }) => ({ ...row, ...counts }));
}

function keyOf({ service, origin, kind, verdict, reason }: Omit<LedgerRow, 'decisions'>): string {
  return JSON.stringify([service, origin, kind, verdict, reason]);
}
