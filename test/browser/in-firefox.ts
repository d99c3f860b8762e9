import { explainIn } from '../../explain/explanation.ts';
import { asRecordedRequest } from '../../explain/recordings/read-line.ts';
import { launchFirefox, type RunningFirefox } from '../support/firefox.ts';
import { type Answerer, startAnswerer } from './answerer.ts';
import type { BrowserCase } from './browser-case.ts';
import { fetchInFirefox } from './fetch-in-firefox.ts';
import { namedCases } from './named-cases.ts';
import { checkPreflightCache } from './preflight-cache.ts';
import { randomCases } from './random-cases.ts';
import { recordFirefox } from './record-firefox.ts';

interface Run {
  readonly cases: number;
  readonly seed: number;
  /** Records Firefox's messages and HAR of the named cases as fixtures. */
  readonly isRecorded: boolean;
}

/** Sequentially, so that each console message belongs to a case. @returns whether everything agrees */
export async function runInFirefox({ cases, seed, isRecorded }: Run): Promise<boolean> {
  const answerer = await startAnswerer();
  const firefox = await launchFirefox();
  try {
    await firefox.goto(answerer.cookieUrl());
    await firefox.goto(answerer.pageUrl('plain'));
    const named = namedCases.map(({ browserCase }) => browserCase).filter(isFetched);
    const random = randomCases(cases, seed).filter(isFetched);
    if (isRecorded) await recordFirefox(named, firefox, answerer);
    const agrees = await compareAll([...named, ...random], firefox, answerer, seed);
    const wrong = await checkPreflightCache('firefox', answerer, firefox.evaluate);
    for (const one of wrong) console.log(`preflight cache: ${one}`);
    return agrees && wrong.length === 0;
  } finally {
    await firefox.close();
    await answerer.close();
  }
}

/** The requests of a page of one origin, without a cache. */
function isFetched({ page, sender, stored }: BrowserCase): boolean {
  return page === 'plain' && sender === undefined && stored === undefined;
}

async function compareAll(
  cases: readonly BrowserCase[],
  firefox: RunningFirefox,
  answerer: Answerer,
  seed: number,
): Promise<boolean> {
  const count = { blocked: 0, unknown: 0, other: 0, seenUnknown: 0, seenOther: 0 };
  for (const [index, browserCase] of cases.entries()) {
    // Beyond what was recorded.
    const id = 1_000 + index;
    const { name, credentials } = browserCase;
    const isAllowed = await fetchInFirefox(firefox, browserCase, answerer.prepare(id, browserCase));
    const messages = await firefox.takeErrors();
    const exchanges = answerer.take(id);
    // Requests that were never sent cannot be judged.
    if (exchanges.length === 0) continue;
    const expected = isAllowed ? 'allowed' : 'blocked';
    const { verdict, reason } = explainIn('firefox', asRecordedRequest({ credentials, exchanges }));
    const seen = explainIn('firefox', asRecordedRequest({ exchanges }));
    if (!isAllowed) count.blocked++;
    if (verdict === 'unknown') count.unknown++;
    if (seen.verdict === 'unknown') count.seenUnknown++;
    const isOther = verdict !== 'unknown' && verdict !== expected;
    const isSeenOther = seen.verdict !== 'unknown' && seen.verdict !== expected;
    if (isOther) count.other++;
    if (isSeenOther) count.seenOther++;
    if (isOther || isSeenOther) {
      console.log(
        `${name}: Firefox ${isAllowed ? 'allowed' : 'blocked'}, we said ${verdict} ${reason}, of the exchanges alone ${seen.verdict}`,
      );
      for (const message of messages) console.log(`  ${message}`);
      console.log(`  line: ${JSON.stringify({ id: name, credentials, exchanges })}`);
    }
  }
  console.log(
    `Firefox ${firefox.version}, seed ${seed}: ${cases.length} cases, ${count.blocked} blocked; ` +
      `${count.unknown} unknown, ${count.other} other verdicts; ` +
      `from the exchanges alone ${count.seenUnknown} unknown, ${count.seenOther} other verdicts`,
  );
  return count.other + count.seenOther === 0;
}
