import { afterAll, beforeAll, expect, test } from 'vitest';
import { BROWSERS, type Browser } from '../../explain/browsers.ts';
import { explainIn } from '../../explain/explanation.ts';
import { probe } from '../../explain/probe/probe.ts';
import { send } from '../../explain/probe/send.ts';
import { asRecordedRequest } from '../../explain/recordings/read-line.ts';
import { headerOf } from '../../explain/recordings/recorded-request.ts';
import type { Exchange } from '../../instrumentation/src/fetch-standard/decision.ts';
import { whyNoChromium } from '../support/chromium.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { launchFirefox, whyNoFirefox } from '../support/firefox.ts';
import { launchWebKit, whyNoWebKit } from '../support/webkit.ts';
import { type Answerer, startAnswerer } from './answerer.ts';
import { startOracle } from './ask-chromium.ts';
import type { BrowserCase } from './browser-case.ts';
import { askEngine, compareWithEngine, type EngineOutcome, isFetched } from './engine.ts';
import { silentCases } from './engine-cases.ts';
import { namedCases } from './named-cases.ts';
import { checkPreflightCache } from './preflight-cache.ts';

const ENGINES = [
  { browser: 'firefox', launch: launchFirefox, missing: whyNoFirefox() },
  { browser: 'safari', launch: launchWebKit, missing: whyNoWebKit() },
] as const;

const cases = [...namedCases, ...silentCases].map(({ browserCase }) => browserCase).filter(isFetched);
/** What each engine that is installed did. */
const outcomesOf = new Map<Browser, readonly EngineOutcome[]>();
let answerer: Answerer;
let lastId = 50_000;

beforeAll(async () => {
  answerer = await startAnswerer();
});
afterAll(() => answerer.close());

test('there are 100 cases for each engine', () => {
  expect(cases.length).toBeGreaterThanOrEqual(100);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

for (const { browser, launch, missing } of ENGINES) {
  describeUnless(missing, `in ${browser}`, () => {
    let uncached: readonly string[];

    beforeAll(async () => {
      const running = await launch();
      try {
        await running.goto(answerer.cookieUrl());
        await running.goto(answerer.pageUrl('plain'));
        outcomesOf.set(browser, await askEngine({ ...running, browser }, cases, answerer));
        uncached = await checkPreflightCache(browser, answerer, running.evaluate);
      } finally {
        await running.close();
      }
    });

    test('each named case ends as explained', () => {
      const { wrong, unknown } = compareWithEngine(browser, cases, outcomesOf.get(browser) ?? []);
      expect(wrong).toEqual([]);
      expect(unknown).toBe(0);
    });

    test('a preflight is cached as explained', () => {
      expect(uncached).toEqual([]);
    });

    test('a probe sends what the browser sends, and finds what it does', async () => {
      expect(await probeAll(browser, outcomesOf.get(browser) ?? [])).toEqual([]);
    });
  });
}

describeUnless(whyNoChromium(), 'in chrome', () => {
  beforeAll(async () => {
    const oracle = await startOracle();
    const outcomes = await oracle.ask(cases);
    await oracle.close();
    outcomesOf.set(
      'chrome',
      outcomes.map(({ allowed, exchanges }) => ({ isAllowed: allowed, exchanges })),
    );
  });

  test('a probe sends what the browser sends, and finds what it does', async () => {
    expect(await probeAll('chrome', outcomesOf.get('chrome') ?? [])).toEqual([]);
  });

  test('what one browser recorded is not explained wrongly for another', () => {
    const wrong: string[] = [];
    for (const recorder of BROWSERS) {
      for (const browser of BROWSERS) wrong.push(...wrongAcross(recorder, browser));
    }
    expect(wrong).toEqual([]);
  });
});

function wrongAcross(recorder: Browser, browser: Browser): readonly string[] {
  const recorded = outcomesOf.get(recorder);
  const actual = outcomesOf.get(browser);
  if (recorded === undefined || actual === undefined) return [];
  return cases.flatMap(({ name, credentials }, i) => {
    const exchanges = (recorded[i]?.exchanges ?? []).map(withAbsoluteUrl);
    const origin = headerOf(exchanges[0]?.request.headers, 'origin');
    if (exchanges.length === 0) return [];
    const { verdict, reason } = explainIn(browser, asRecordedRequest({ origin, credentials, exchanges }));
    const expected = actual[i]?.isAllowed ? 'allowed' : 'blocked';
    if (verdict === 'unknown' || verdict === expected) return [];
    return [`${name}: recorded in ${recorder}, ${expected} in ${browser}, we said ${verdict} ${reason}`];
  });
}

/** As a browser records it, not as a server does. */
function withAbsoluteUrl({ request, response }: Exchange): Exchange {
  const host = headerOf(request.headers, 'host');
  return { request: { ...request, url: `http://${host}${request.url}` }, response };
}

async function probeAll(browser: Browser, outcomes: readonly EngineOutcome[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  const origin = new URL(answerer.pageUrl('plain')).origin;
  for (const [i, browserCase] of cases.entries()) {
    const { name, method, headers, credentials, mode } = browserCase;
    const outcome = outcomes[i];
    if (mode !== undefined || outcome === undefined) continue;
    const url = answerer.prepare(++lastId, browserCase);
    const { explanation } = await probe(
      { origin, url, method, headers, credentials: credentials === 'include' },
      {
        browser,
        sendUnsafe: true,
        send: (request) => send(request, { timeoutMillis: 5_000, userAgent: 'test' }),
      },
    );
    const expected = outcome.isAllowed ? 'allowed' : 'blocked';
    if (explanation.verdict !== expected)
      wrong.push(`${name}: ${expected}, probed ${explanation.verdict} ${explanation.reason}`);
    const sent = wireOf(answerer.take(lastId), browserCase);
    const wanted = wireOf(outcome.exchanges, browserCase);
    if (JSON.stringify(sent) !== JSON.stringify(wanted))
      wrong.push(`${name}: ${browser} sent ${wanted.join(' | ')}, the probe ${sent.join(' | ')}`);
  }
  return wrong;
}

/** What the rules read of each request. Repeats of the same one, as after an empty Location, count once. */
function wireOf(exchanges: readonly Exchange[], { hops }: BrowserCase): readonly string[] {
  const lines = exchanges.map(({ request }) => {
    const value = (wanted: string) =>
      request.headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? '-';
    const names = [
      'access-control-request-method',
      'access-control-request-headers',
      'origin',
      'sec-fetch-mode',
    ];
    // Each browser has its own server.
    return [request.method, value('host'), ...names.map(value)].join(' ').replace(/:\d+/g, '');
  });
  return hops.length === 1 ? lines.filter((line, i) => line !== lines[i - 1]) : lines;
}
