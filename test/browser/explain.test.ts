import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Explanation, explainIn } from '../../explain/explanation.ts';
import { probe } from '../../explain/probe/probe.ts';
import { send } from '../../explain/probe/send.ts';
import { findMessages } from '../../explain/reasons/find-messages.ts';
import { readHar } from '../../explain/recordings/read-har.ts';
import { asRecordedRequest } from '../../explain/recordings/read-line.ts';
import { launchChromium, type RunningChromium, whyNoChromium } from '../support/chromium.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { reasonOf } from './agreement.ts';
import { type Answerer, RESOLVER_FLAG, startAnswerer } from './answerer.ts';
import { startOracle } from './ask-chromium.ts';
import type { BrowserCase } from './browser-case.ts';
import { recordAsDevTools } from './devtools-har.ts';
import { namedCases } from './named-cases.ts';
import { checkPreflightCache } from './preflight-cache.ts';
import { randomCases } from './random-cases.ts';

const missing = whyNoChromium();

describeUnless(missing, 'explain finds for a recorded request what Chromium did', () => {
  test('for the named cases and 100 random ones, with and without what the page requested', async () => {
    const cases = [...namedCases.map(({ browserCase }) => browserCase), ...randomCases(100, 2)];
    const oracle = await startOracle();
    const outcomes = await oracle.ask(cases);
    await oracle.close();
    const wrong = cases.flatMap(({ name, credentials }, i) => {
      const outcome = outcomes[i];
      // Requests that were never sent cannot be judged.
      if (outcome === undefined || outcome.exchanges.length === 0) return [];
      const actual = outcome.allowed ? 'allowed' : 'blocked';
      const reason = reasonOf(outcome);
      const explain = (asked: object) =>
        explainIn('chrome', asRecordedRequest({ ...asked, browser: 'chrome', exchanges: outcome.exchanges }));
      const told = explain({ credentials });
      const isTold =
        told.verdict === 'unknown'
          ? isUndecidable(told)
          : told.verdict === actual && told.reason === (reason ?? told.reason);
      const seen = explain({});
      const isSeen = seen.verdict === 'unknown' || seen.verdict === actual;
      return isTold && isSeen ? [] : [{ name, actual, reason, told: told.reason, seen: seen.reason }];
    });
    expect(wrong).toEqual([]);
  });
});

/** A cached response, or a POST to an insecure host, which a form could have sent as well. */
function isUndecidable({ reason }: Explanation): boolean {
  return reason === 'not_modified' || reason === 'kind_ambiguous';
}

/** What a page of one origin does with `fetch`, one after the other. */
const fetched = namedCases.filter(
  ({ browserCase: { page, sender, stored } }) =>
    page === 'plain' && sender === undefined && stored === undefined,
);

describeUnless(missing, 'of a page in Chromium', () => {
  let answerer: Answerer;
  let chromium: RunningChromium;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'originscope-har-'));
    answerer = await startAnswerer();
    chromium = await launchChromium([RESOLVER_FLAG]);
  });
  afterAll(async () => {
    await chromium?.close();
    await answerer?.close();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  test('each console message identifies the reason of the browser', async () => {
    const tab = await openTab(await chromium.browser.newContext());
    for (const { browserCase, reason } of fetched.filter(({ reason }) => reason !== '')) {
      const said = tab.waitForEvent('console', (message) =>
        message.text().includes('blocked by CORS policy'),
      );
      const url = await fetchIn(tab, browserCase);
      const [found] = findMessages((await said).text());
      expect([browserCase.name, found?.reasons[0]]).toEqual([browserCase.name, reason]);
      // After a redirect it is another one.
      if (browserCase.hops.length === 1 && reason !== 'redirect_url_not_http') expect(found?.url).toBe(url);
    }
  });

  test('a HAR is explained correctly, and missing parts are not guessed', async () => {
    const path = join(directory, 'recorded.har');
    const context = await chromium.browser.newContext({ recordHar: { path, mode: 'full', content: 'omit' } });
    const tab = await openTab(context);
    const reasons = new Map<string, string>();
    for (const { browserCase, reason } of fetched) {
      const url = await fetchIn(tab, browserCase);
      reasons.set(url, reason);
    }
    await context.close();
    const har: unknown = JSON.parse(await readFile(path, 'utf8'));
    const seen = new Map<string, number>();
    for (const request of readHar(har, 'recorded.har')) {
      const reason = reasons.get(request.exchanges[0]?.request.url ?? '');
      if (reason === undefined) continue;
      const explained = explainIn('chrome', request);
      const name = `${request.exchanges[0]?.request.url} ${reason || 'allowed'}`;
      if (explained.verdict === 'unknown') {
        expect([name, explained.reason]).toEqual([
          name,
          expect.stringMatching(/^(headers_not_captured|credentials_mode_unknown)$/),
        ]);
      } else {
        expect([name, explained.reason]).toEqual([name, reason]);
      }
      seen.set(explained.verdict, (seen.get(explained.verdict) ?? 0) + 1);
    }
    expect(seen.get('allowed')).toBeGreaterThan(3);
  });

  test('a HAR exported by DevTools shows each reason, because DevTools record blocked responses', async () => {
    const context = await chromium.browser.newContext();
    const tab = await openTab(context);
    const recorded = await recordAsDevTools(await context.newCDPSession(tab));
    const expected = new Map<string, [reason: string, BrowserCase['credentials']]>();
    for (const { browserCase, reason } of fetched) {
      expected.set(await fetchIn(tab, browserCase), [reason, browserCase.credentials]);
    }
    const [first] = fetched;
    if (first === undefined) throw new Error('expected cases');
    const har = await recorded(await fetchIn(tab, first.browserCase));
    const wrong: unknown[] = [];
    const open: string[] = [];
    for (const request of readHar(har, 'recorded.har')) {
      const [reason, credentials] = expected.get(request.exchanges[0]?.request.url ?? '') ?? [];
      // A HAR does not show that a response had no headers.
      if (reason === undefined || request.exchanges[0]?.response.headers === undefined) continue;
      const told = explainIn('chrome', { ...request, credentials });
      const seen = explainIn('chrome', request);
      const isWrong = told.reason !== reason || (seen.verdict !== 'unknown' && seen.verdict !== told.verdict);
      if (seen.verdict === 'unknown') open.push(seen.reason);
      if (isWrong) wrong.push({ request, told, reason });
      else expected.delete(request.exchanges[0]?.request.url ?? '');
    }
    expect(wrong).toEqual([]);
    expect(expected.size).toBe(1);
    // The errors that DevTools record settle what the exchanges alone leave open.
    expect(open).toEqual([]);
  });

  test('a preflight is cached as explain predicts', async () => {
    const tab = await openTab(await chromium.browser.newContext());
    expect(await checkPreflightCache('chrome', answerer, (expression) => tab.evaluate(expression))).toEqual(
      [],
    );
  });

  test('a probe finds the same reason by itself', async () => {
    const origin = new URL(answerer.pageUrl('plain')).origin;
    for (const [i, { browserCase, reason }] of fetched.entries()) {
      if (browserCase.mode !== undefined) continue;
      const { method, headers, credentials } = browserCase;
      const url = answerer.prepare(10_000 + i, browserCase);
      const { explanation, failure } = await probe(
        { origin, url, method, headers, credentials: credentials === 'include' },
        {
          browser: 'chrome',
          sendUnsafe: true,
          send: (request) => send(request, { timeoutMillis: 5_000, userAgent: 'test' }),
        },
      );
      expect([browserCase.name, explanation.reason, failure]).toEqual([browserCase.name, reason, undefined]);
    }
  });

  let lastId = 0;

  async function openTab(
    context: Awaited<ReturnType<RunningChromium['browser']['newContext']>>,
  ): Promise<Tab> {
    const tab = await context.newPage();
    await tab.goto(answerer.cookieUrl());
    await tab.goto(answerer.pageUrl('plain'));
    return tab;
  }

  /** @returns the URL that was asked for */
  async function fetchIn(tab: Tab, browserCase: BrowserCase): Promise<string> {
    const { method, headers, body, mode, credentials } = browserCase;
    const url = answerer.prepare(++lastId, browserCase);
    const init = {
      method,
      headers,
      mode,
      credentials,
      cache: 'no-store',
      ...(body !== undefined && { body }),
    };
    await tab.evaluate(`fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(() => {}, () => {})`);
    return url;
  }
});
