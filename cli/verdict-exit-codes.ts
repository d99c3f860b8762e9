import type { Verdict } from '../instrumentation/src/fetch-standard/decision.ts';

/** Exit codes of the commands that say what a browser does. */
export const EXIT_CODES: Readonly<Record<Verdict, number>> = { allowed: 0, blocked: 1, unknown: 2 };

export const EXIT_CODES_HELP = 'Exit codes: 0 allowed, 1 blocked, 2 could not tell.';

/** For Commander, whose own 1 would say "blocked". */
export function endOnMisuse({ exitCode }: { readonly exitCode: number }): never {
  process.exit(exitCode === 0 ? 0 : EXIT_CODES.unknown);
}
