import { afterAll, beforeAll, expect, test } from 'vitest';
import { BLOCKED_REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';
import { whyNoChromium } from '../support/chromium.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { compare, decideAsSeen, describeDisagreement, reasonOf } from './agreement.ts';
import { type ChromiumOracle, startOracle } from './ask-chromium.ts';
import type { Outcome } from './browser-case.ts';
import type { NamedCase } from './named-case.ts';
import { namedCases } from './named-cases.ts';
import { namedKinds } from './named-kinds.ts';
import { randomCases } from './random-cases.ts';

const missing = whyNoChromium();

describeUnless(missing, 'a decision agrees with Chromium', () => {
  let oracle: ChromiumOracle;
  let named: readonly Outcome[];

  beforeAll(async () => {
    oracle = await startOracle();
    named = await oracle.ask(namedCases.map(({ browserCase }) => browserCase));
  });
  afterAll(() => oracle?.close());

  test.each(namedCases.map((one, index): [string, NamedCase, number] => [one.browserCase.name, one, index]))(
    '%s',
    (_, { browserCase, reason, seen }, index) => {
      const outcome = named[index];
      if (outcome === undefined) throw new Error('the case was not run in the browser');
      expect(reasonOf(outcome)).toBe(reason);
      const agreement = compare(browserCase, outcome);
      expect(agreement.disagreements, describeDisagreement(browserCase, outcome, agreement)).toEqual([]);
      expect(agreement.seen.reason).toBe(seen);
    },
  );

  test('in 200 random cases', async () => {
    const cases = randomCases(200, 1);
    const outcomes = await oracle.ask(cases);
    const disagreements = cases.flatMap((browserCase, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) return [`${browserCase.name}: the browser was not asked`];
      const agreement = compare(browserCase, outcome);
      return agreement.disagreements.length === 0
        ? []
        : [describeDisagreement(browserCase, outcome, agreement)];
    });
    expect(disagreements).toEqual([]);
  });

  test('and the kind of a request is determined from what the server sees', async () => {
    const outcomes = await oracle.ask(namedKinds.map(({ browserCase }) => browserCase));
    const kinds = namedKinds.map(({ browserCase }, index) => {
      const [exchange] = outcomes[index]?.exchanges ?? [];
      return [browserCase.name, exchange && decideAsSeen(exchange).kind];
    });
    expect(kinds).toEqual(namedKinds.map(({ browserCase, kind }) => [browserCase.name, kind]));
  });
});

test('every reason to block has a named case', () => {
  const shown = new Set(namedCases.map(({ reason }) => reason));
  expect(BLOCKED_REASONS.filter((reason) => !shown.has(reason))).toEqual([]);
});
