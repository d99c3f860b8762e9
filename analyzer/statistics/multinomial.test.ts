import { expect, test } from 'vitest';
import { createRandom } from '../../test/scenarios/random.ts';
import { logMultinomialEvidence } from './multinomial.ts';

test('twelve blocks, all of one of two equal versions, are evidence as the formula says', () => {
  // B(α + x) / B(α) / Π θ^x as a product of the predictive probabilities.
  let expected = 0;
  for (let seen = 0; seen < 12; seen++) expected += Math.log((50 + seen) / (100 + seen) / 0.5);
  expect(logMultinomialEvidence([12, 0], [0.5, 0.5])).toBeCloseTo(expected, 8);
});

test('blocks in proportion to the traffic are not evidence, however often it is looked at', () => {
  const random = createRandom('versions');
  let exceeded = 0;
  for (let run = 0; run < 400; run++) {
    const counts = [0, 0];
    let highest = Number.NEGATIVE_INFINITY;
    for (let seen = 0; seen < 300; seen++) {
      const version = random.chance(0.3) ? 1 : 0;
      counts[version] = (counts[version] ?? 0) + 1;
      highest = Math.max(highest, logMultinomialEvidence(counts, [0.7, 0.3]));
    }
    if (highest > Math.log(20)) exceeded++;
  }
  // At most one in twenty, at any time.
  expect(exceeded).toBeLessThan(400 / 20);
});
