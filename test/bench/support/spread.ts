/** Minimum, median and maximum of the rounds, as RESULTS.md has them. */
export function spread(values: readonly number[]): string {
  return [Math.min(...values), middle(values), Math.max(...values)]
    .map((value) => value.toFixed(2))
    .join(' / ');
}

export function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
