import { InvalidArgumentError } from 'commander';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Parses a time of the command line: RFC 3339 (`2026-11-22T10:00:00Z`) or a duration before now
 * (`30m`, `2h`, `7d`).
 *
 * @returns epoch milliseconds
 * @throws InvalidArgumentError
 */
export function parseTime(text: string, now: number): number {
  const span = /^(\d{1,6})([smhd])$/.exec(text);
  if (span !== null) return now - Number(span[1]) * UNITS[span[2] as keyof typeof UNITS];
  const complete = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/.test(text);
  const time = complete ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      'Expected RFC 3339 (2026-11-22T10:00:00Z), or a duration before now (30m, 2h, 7d).',
    );
  }
  return time;
}
