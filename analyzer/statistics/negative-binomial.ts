/**
 * How far a count lies above its expectation: the signed root of the deviance of a negative binomial whose variance
 * is `dispersion` times its mean (Poisson at 1), with a continuity correction of ½. About a standard normal.
 */
export function deviance(count: number, mean: number, dispersion: number): number {
  const c = Math.max(count - 0.5, mean);
  if (c <= mean) return 0;
  if (dispersion <= 1 + 1e-9) return Math.sqrt(Math.max(0, 2 * (c * Math.log(c / mean) - (c - mean))));
  const size = mean / (dispersion - 1);
  const half = c * Math.log(c / mean) - (c + size) * Math.log((c + size) / (mean + size));
  return Math.sqrt(Math.max(0, 2 * half));
}

/** The same below the expectation, positive when the count is too low. */
export function shortfall(count: number, mean: number, dispersion: number): number {
  const c = Math.min(count + 0.5, mean);
  if (c >= mean) return 0;
  if (dispersion <= 1 + 1e-9) return Math.sqrt(Math.max(0, 2 * (c * Math.log(c / mean) - (c - mean))));
  const size = mean / (dispersion - 1);
  const half = c * Math.log(c / mean) - (c + size) * Math.log((c + size) / (mean + size));
  return Math.sqrt(Math.max(0, 2 * half));
}

/** Natural logarithm of the probability that nothing at all is counted. */
export function logProbabilityOfZero(mean: number, dispersion: number): number {
  if (dispersion <= 1 + 1e-9) return -mean;
  return (-mean / (dispersion - 1)) * Math.log(dispersion);
}

/** The probability of at least so many successes among independent trials. */
export function binomialTail(trials: number, least: number, probability: number): number {
  let term = (1 - probability) ** trials;
  let below = 0;
  for (let successes = 0; successes < least; successes++) {
    below += term;
    term *= ((trials - successes) / (successes + 1)) * (probability / (1 - probability));
  }
  return Math.max(0, 1 - below);
}
