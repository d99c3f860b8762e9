/** A fault to inject into a statement. */
export type Fault = {
  /** A regular expression for the statement's text, without regard to case; default: every statement. */
  readonly match?: string;
  /** How often; default once. `null`: until removed. */
  readonly times?: number | null;
} & (
  | { readonly kind: 'slow'; readonly millis: number }
  /** The statement is not run, and the connection is closed. */
  | { readonly kind: 'cut' }
  /** The statement is run, and the connection is closed instead of a response. */
  | { readonly kind: 'lose_answer' }
  /** The statement is not run, and fails with this code: 252 is retryable, 469 is a row error. */
  | { readonly kind: 'exception'; readonly code: number; readonly message?: string }
);

/** A fault and how often it happened. */
export type KnownFault = Fault & { readonly fired: number };

export interface Faults {
  add(fault: Fault): void;
  mend(): void;
  list(): readonly KnownFault[];
  /** The faults of this statement; each has happened once more then. */
  take(text: string): readonly Fault[];
}

export function createFaults(): Faults {
  let known: { readonly fault: Fault; fired: number }[] = [];
  return {
    add: (fault) => void known.push({ fault, fired: 0 }),
    mend: () => {
      known = [];
    },
    list: () => known.map(({ fault, fired }) => ({ ...fault, fired })),
    take: (text) =>
      known
        .filter(({ fault, fired }) => {
          const { match, times = 1 } = fault;
          return (
            (times === null || fired < times) && (match === undefined || new RegExp(match, 'i').test(text))
          );
        })
        .map((entry) => {
          entry.fired++;
          return entry.fault;
        }),
  };
}
