import { launchFirefox } from '../support/firefox.ts';
import { launchWebKit } from '../support/webkit.ts';
import { startAnswerer } from './answerer.ts';
import { askEngine, compareWithEngine, isFetched } from './engine.ts';
import { namedCases } from './named-cases.ts';
import { checkPreflightCache } from './preflight-cache.ts';
import { randomCases } from './random-cases.ts';
import { recordFirefox } from './record-firefox.ts';
import { recordWebKit } from './record-webkit.ts';

interface Run {
  readonly browser: 'firefox' | 'safari';
  readonly cases: number;
  readonly seed: number;
  /** Records the messages of the named cases, and Firefox's HAR of them, as fixtures. */
  readonly isRecorded: boolean;
}

/** The named cases and random ones in Firefox or WebKit, one after the other. @returns whether everything agrees */
export async function runInEngine({ browser, cases, seed, isRecorded }: Run): Promise<boolean> {
  const answerer = await startAnswerer();
  const firefox = browser === 'firefox' ? await launchFirefox() : undefined;
  const running = firefox ?? (await launchWebKit());
  const { version, evaluate } = running;
  const engine = { browser, version, evaluate };
  try {
    await running.goto(answerer.cookieUrl());
    await running.goto(answerer.pageUrl('plain'));
    const named = namedCases.map(({ browserCase }) => browserCase).filter(isFetched);
    if (isRecorded && firefox !== undefined) await recordFirefox(named, firefox, answerer);
    if (isRecorded && firefox === undefined) await recordWebKit(named, version, answerer);
    const all = [...named, ...randomCases(cases, seed).filter(isFetched)];
    // Beyond what was recorded.
    const outcomes = await askEngine(engine, all, answerer, 1_000);
    const { blocked, unknown, seenUnknown, wrong } = compareWithEngine(browser, all, outcomes);
    const uncached = await checkPreflightCache(browser, answerer, evaluate);
    for (const one of wrong) console.log(one);
    for (const one of uncached) console.log(`preflight cache: ${one}`);
    console.log(
      `${browser} ${version}, seed ${seed}: ${all.length} cases, ${blocked} blocked; ` +
        `${unknown} unknown, from the exchanges alone ${seenUnknown}; ${wrong.length} other verdicts`,
    );
    return wrong.length + uncached.length === 0;
  } finally {
    await running.close();
    await answerer.close();
  }
}
