/**
 * Natural logarithm of the evidence that counts are not spread as expected shares say: an anytime-valid multinomial
 * test (Lindon, Malek 2022). It may be looked at after every minute: under the null it exceeds ln(1/α) at any time
 * with a probability of at most α.
 *
 * @param counts of each version
 * @param shares expected of each version, summing to 1, none of them 0
 */
export function logMultinomialEvidence(counts: readonly number[], shares: readonly number[]): number {
  let log = 0;
  let sumCounts = 0;
  let sumPrior = 0;
  for (const [index, count] of counts.entries()) {
    const share = shares[index] ?? 0;
    const prior = CONCENTRATION * share;
    log += logGamma(prior + count) - logGamma(prior) - count * Math.log(share);
    sumCounts += count;
    sumPrior += prior;
  }
  return log - logGamma(sumPrior + sumCounts) + logGamma(sumPrior);
}

const CONCENTRATION = 100;

/** Stirling's series after shifting the argument above 8: exact to about 1e-12. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 8) {
    shift -= Math.log(z);
    z += 1;
  }
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z;
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
}
