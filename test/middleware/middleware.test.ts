import type { Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NetworkRecorder, type WireExchange } from '../../examples/browsers/chromium-network.ts';
import type { Decision, Exchange } from '../../instrumentation/src/fetch-standard/decision.ts';
import { decideAsSeen } from '../browser/agreement.ts';
import { type Answerer, startAnswerer } from '../browser/answerer.ts';
import { launchChromium, type RunningChromium, whyNoChromium } from '../support/chromium.ts';
import { describeUnless } from '../support/describe-unless.ts';
import { observeServers } from '../support/recorded.ts';
import { bareNode } from './bare-node.ts';
import { expressCors } from './express-cors.ts';
import { fastifyCors } from './fastify-cors.ts';
import { hapi } from './hapi.ts';
import { honoCors } from './hono-cors.ts';
import { koaCors } from './koa-cors.ts';
import { type PageCall, pageCalls } from './page-calls.ts';

const missing = whyNoChromium();

const middleware = { ...expressCors, ...fastifyCors, ...koaCors, ...honoCors, ...hapi, ...bareNode };

describeUnless(missing, 'a decision about real middleware agrees with Chromium', () => {
  let pages: Answerer;
  let chromium: RunningChromium;
  let tab: Tab;
  const network = new NetworkRecorder();

  beforeAll(async () => {
    pages = await startAnswerer();
    // For the self-signed certificate, which browsers need for HTTP/2.
    chromium = await launchChromium(['--ignore-certificate-errors']);
    const context = await chromium.browser.newContext();
    tab = await context.newPage();
    await network.attach(await context.newCDPSession(tab));
  });
  afterAll(async () => {
    await chromium?.close();
    await pages?.close();
  });

  test.each(Object.entries(middleware))('%s', async (_, { start, decisions: expected }) => {
    const observations = observeServers();
    const server = new URL(await start(pageUrl('a.localhost').origin));
    server.hostname = 'b.localhost';
    const decisions: Record<string, string> = {};
    for (const [name, call] of Object.entries<PageCall>(pageCalls)) {
      observations.length = 0;
      const isReadable = await callFrom(call, new URL(`/orders/${encodeURIComponent(name)}`, server));
      const { exchanges, blocked } = await network.take();
      expect([name, isReadable], blocked?.reason).toEqual([name, blocked === undefined]);
      // Each exchange is observed exactly once.
      const decided = observations.map(({ decision }) => decision);
      expect(decided).toHaveLength(exchanges.length);
      for (const exchange of exchanges) {
        const reason = blocked?.kind === exchange.kind ? blocked.reason : '';
        const decision = decided.find(({ kind }) => kind === exchange.kind);
        expect([name, decision]).toEqual([name, agreeing(call, exchange, reason)]);
      }
      decisions[name] = decided.map(({ verdict, reason }) => reason || verdict).join(', ');
    }
    expect(decisions).toEqual(expected);
  });

  function pageUrl(host: PageCall['page']): URL {
    const url = new URL(pages.pageUrl('plain'));
    url.hostname = host;
    return url;
  }

  /** @returns whether the page could read the answer */
  async function callFrom({ page, ...init }: PageCall, url: URL): Promise<boolean> {
    if (new URL(tab.url()).hostname !== page) await tab.goto(pageUrl(page).href);
    const asked = JSON.stringify({ ...init, cache: 'no-store' });
    return tab.evaluate(
      `fetch('${url}', ${asked}).then((response) => response.text()).then(() => true, () => false)`,
    );
  }
});

/**
 * Whether a decision agrees with what the browser did.
 *
 * @param reason why the browser blocked; empty when it did not
 */
function agreeing(call: PageCall, { kind, sent, answer }: WireExchange, reason: Decision['reason']) {
  const exchange: Exchange = {
    request: {
      method: kind === 'preflight' ? 'OPTIONS' : call.method,
      url: '/',
      headers: Object.entries(sent),
    },
    response: answer,
  };
  const included = decideAsSeen(exchange, { credentials: 'included' });
  const omitted = decideAsSeen(exchange, { credentials: 'omitted' });
  // Told the mode, it knows. Of a preflight it may leave open what depends on the mode, and nothing else.
  expect((call.credentials === 'include' ? included : omitted).reason).toBe(reason);
  const isOpen = kind === 'preflight' && included.verdict !== omitted.verdict;
  return expect.objectContaining(
    isOpen
      ? { verdict: 'unknown', reason: 'credentials_mode_unknown' }
      : { verdict: reason === '' ? 'allowed' : 'blocked', reason },
  );
}
