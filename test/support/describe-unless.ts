import { describe, test } from 'vitest';

/**
 * The tests; where something that they need is missing, a skipped one in their place.
 *
 * @param missing the sentence that says how to get it; undefined when it is there
 */
export function describeUnless(missing: string | undefined, name: string, tests: () => void): void {
  describe(name, () => {
    if (missing === undefined) tests();
    else test.skip(missing, () => {});
  });
}
