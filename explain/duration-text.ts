/** A duration in the largest unit that divides it: `2 h`, `10 min`, `90 s`; `not at all` for 0. */
export function durationText(seconds: number): string {
  if (seconds === 0) return 'not at all';
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
