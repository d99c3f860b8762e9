import { type Findings, many } from './verification.ts';

const DAY_MICROS = 86_400_000_000n;

/**
 * Whether a run was abandoned because its process died before it could mark it: newer than the newest
 * marked run (older ones are removed by housekeeping), and older than any publication takes. Run numbers
 * begin with their start time (run.ts).
 */
export function isAbandoned(run: string, newest: string | undefined, now: number): boolean {
  const number = BigInt(run);
  return number > BigInt(newest ?? 0) && number / 1024n < BigInt(now) * 1_000n - DAY_MICROS;
}

export function reportAbandoned(findings: Findings, runs: readonly string[], tables: string): void {
  if (runs.length === 0) return;
  findings.inform(
    'remains',
    `${tables} have rows of ${many(new Set(runs).size, 'run')} that were never marked, because their process died: they are never read, and are removed when their period is published again`,
  );
}
