import { CHROMIUM_MISSING, findChromium } from '../support/chromium.ts';
import { compare, describeDisagreement, isOtherReason } from './agreement.ts';
import { startOracle } from './ask-chromium.ts';
import { namedCases } from './named-cases.ts';
import { randomCases } from './random-cases.ts';

interface Run {
  /** How many random ones beside the named. */
  readonly cases: number;
  readonly seed: number;
}

const BATCH = 500;

/** @returns whether no verdict is wrong, and next to no reason */
export async function runInChromium({ cases: random, seed }: Run): Promise<boolean> {
  if (findChromium() === undefined) throw new Error(CHROMIUM_MISSING);
  const cases = [...namedCases.map((named) => named.browserCase), ...randomCases(random, seed)];
  const count = { cases: 0, blocked: 0, verdict: 0, reason: 0 };
  /** From the server's view alone. */
  const seenCount = { unknown: 0, oneReason: 0, otherReason: 0, eitherOfTwo: 0, neitherOfTwo: 0 };
  const corsErrors = new Map<string, number>();
  const oracle = await startOracle();
  try {
    for (let start = 0; start < cases.length; start += BATCH) {
      const batch = cases.slice(start, start + BATCH);
      const outcomes = await oracle.ask(batch);
      for (const [index, browserCase] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) continue;
        const agreement = compare(browserCase, outcome);
        count.cases++;
        if (!outcome.allowed) count.blocked++;
        const { seen } = agreement;
        const isOther = isOtherReason(seen, outcome);
        if (seen.verdict === 'unknown') seenCount.unknown++;
        else if (seen.isEitherOfTwo) {
          seenCount.eitherOfTwo++;
          if (isOther) seenCount.neitherOfTwo++;
        } else if (seen.verdict === 'blocked') {
          seenCount.oneReason++;
          if (isOther) seenCount.otherReason++;
        }
        const name = outcome.allowed ? 'allowed' : (outcome.corsError ?? outcome.error ?? '(not sent)');
        corsErrors.set(name, (corsErrors.get(name) ?? 0) + 1);
        for (const kind of agreement.disagreements) {
          count[kind]++;
          console.log(describeDisagreement(browserCase, outcome, agreement));
        }
      }
    }
  } finally {
    await oracle.close();
  }
  for (const [name, times] of [...corsErrors].sort(([, a], [, b]) => b - a))
    console.log(String(times).padStart(7), name);
  console.log(
    `Chromium ${oracle.version}, seed ${seed}: ${count.cases} cases, ${count.blocked} blocked; ` +
      `${count.verdict} wrong verdicts, ${count.reason} other reasons`,
  );
  const { unknown, oneReason, otherReason, eitherOfTwo, neitherOfTwo } = seenCount;
  console.log(
    `From the server's view alone ${unknown} unknown; ${oneReason} blocked for one reason, ` +
      `${otherReason} of them for another than the browser's; ${eitherOfTwo} for one of two ` +
      `(reason_depends_on_credentials), ${neitherOfTwo} of them for neither`,
  );
  return count.verdict === 0 && count.reason <= count.blocked * 0.005;
}
