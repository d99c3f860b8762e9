import { type Findings, many } from './verification.ts';

const DAY_MICROS = 86_400_000_000n;

/**
 * Whether rows of a run lie there because its process died before it could mark them: newer than the newest marked
 * run, or housekeeping will remove them, and older than any publication takes. Runs begin with their time (run.ts).
 */
export function isAbandoned(run: string, newest: string | undefined, now: number): boolean {
  const number = BigInt(run);
  return number > BigInt(newest ?? 0) && number / 1024n < BigInt(now) * 1_000n - DAY_MICROS;
}

export function tellAbandoned(findings: Findings, runs: readonly string[], tables: string): void {
  if (runs.length === 0) return;
  findings.inform(
    'remains',
    `${tables} have rows of ${many(new Set(runs).size, 'run')} that were never marked, because their process died: nobody reads them, and they are removed when their time is published again`,
  );
}
