import { expect, test } from 'vitest';
import { binomialTail, deviance, logProbabilityOfZero, shortfall } from './negative-binomial.ts';

/** Probability of a count of at least `count`, summed term by term. */
function exactTail(count: number, mean: number, dispersion: number): number {
  const size = mean / (dispersion - 1);
  let log = dispersion === 1 ? -mean : size * Math.log(size / (size + mean));
  let below = 0;
  for (let k = 0; k < count; k++) {
    below += Math.exp(log);
    log +=
      dispersion === 1 ? Math.log(mean / (k + 1)) : Math.log(((k + size) / (k + 1)) * (mean / (size + mean)));
  }
  let tail = 0;
  for (let k = count; k < count + 2_000; k++) {
    tail += Math.exp(log);
    log +=
      dispersion === 1 ? Math.log(mean / (k + 1)) : Math.log(((k + size) / (k + 1)) * (mean / (size + mean)));
  }
  return below > 0.5 ? tail : 1 - below;
}

/** Upper tail of the standard normal (Abramowitz and Stegun 26.2.12, asymptotic; exact enough from 3 on). */
function normalTail(z: number): number {
  const series = 1 - 1 / z ** 2 + 3 / z ** 4 - 15 / z ** 6 + 105 / z ** 8;
  return (Math.exp((-z * z) / 2) / (z * Math.sqrt(2 * Math.PI))) * series;
}

test.each([
  [5, 1, 18],
  [10, 1, 30],
  [100, 1, 155],
  [5, 3, 32],
  [50, 3, 120],
  [200, 5, 400],
])('mean %d, dispersion %d: %d is about as improbable as the exact tail says', (mean, dispersion, count) => {
  const decades = Math.log10(
    normalTail(deviance(count, mean, dispersion)) / exactTail(count, mean, dispersion),
  );
  expect(Math.abs(decades)).toBeLessThan(0.5);
});

test('what is expected, and less, is not above it', () => {
  expect(deviance(10, 10, 1)).toBe(0);
  expect(deviance(3, 10, 2)).toBe(0);
  expect(shortfall(10, 10, 1)).toBe(0);
  expect(shortfall(3, 20, 1)).toBeGreaterThan(4);
});

test('nothing is improbable where much is expected, and less so where counts are wild', () => {
  expect(logProbabilityOfZero(20, 1)).toBeCloseTo(-20);
  // (1 + μ/k)^−k with k = μ / (φ − 1)
  expect(logProbabilityOfZero(20, 3)).toBeCloseTo(-10 * Math.log(3));
});

test.each([
  [10, 0, 0.5, 1],
  [10, 5, 0.5, 638 / 1024],
  [10, 10, 0.5, 1 / 1024],
  [3, 4, 0.5, 0],
])('of %d trials at least %d succeed with the exact probability', (trials, least, probability, expected) => {
  expect(binomialTail(trials, least, probability)).toBeCloseTo(expected, 12);
});
