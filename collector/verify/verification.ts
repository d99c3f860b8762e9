/** The checks of a database, in the order in which they are reported. */
export const CHECK_NAMES = [
  'raw_spans',
  'usage_minutes',
  'completeness_slots',
  'usage_hours',
  'markers',
  'blocked_spans',
  'rows',
  'dropped_days',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** A violated invariant. */
export interface Finding {
  readonly sentence: string;
  /** Start of the affected slot, hour or day, or of the first one; RFC 3339. */
  readonly time: string;
}

export interface Check {
  readonly name: CheckName;
  readonly ok: boolean;
  /** How many slots, hours or rows were checked. */
  readonly checked: number;
  /** The first ones; further ones are only counted. */
  readonly findings: readonly Finding[];
  readonly furtherFindings: number;
}

/** Not a violation, but relevant for the user. */
export interface Information {
  readonly name: 'not_published_yet' | 'stuck' | 'left_out' | 'unended_inserts' | 'changing' | 'remains';
  readonly sentence: string;
}

/** The result of `originscope verify`: plain data, identical in JSON. */
export interface Verification {
  /** No violation was found. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly information: readonly Information[];
}

/** Collects findings, bounded. */
export class Findings {
  readonly #checks = new Map(
    CHECK_NAMES.map((name) => [name, { checked: 0, findings: [] as Finding[], further: 0 }]),
  );
  readonly #information: Information[] = [];
  readonly #most: number;

  /** @param most maximum of findings per check */
  constructor(most: number) {
    this.#most = most;
  }

  checked(name: CheckName, count: number): void {
    this.#of(name).checked += count;
  }

  /** @param time epoch milliseconds */
  add(name: CheckName, time: number, sentence: string): void {
    const check = this.#of(name);
    if (check.findings.length === this.#most) check.further++;
    else check.findings.push({ sentence, time: timeText(time) });
  }

  inform(name: Information['name'], sentence: string): void {
    this.#information.push({ name, sentence });
  }

  result(): Verification {
    const checks = [...this.#checks].map(([name, { checked, findings, further }]) => ({
      name,
      ok: findings.length === 0,
      checked,
      findings,
      furtherFindings: further,
    }));
    return { ok: checks.every(({ ok }) => ok), checks, information: this.#information };
  }

  #of(name: CheckName) {
    const check = this.#checks.get(name);
    if (check === undefined) throw new Error(`There is no check ${name}`);
    return check;
  }
}

/** RFC 3339 without milliseconds; epoch milliseconds. */
export function timeText(time: number): string {
  return new Date(time).toISOString().replace('.000', '');
}

/** `1 span`, `2,000 spans`. */
export function many(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
