import type { Page as Tab } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { RESOLVER_FLAG, startAnswerer } from './answerer.ts';
import { type BrowserCase, type Outcome, PAGES, type Page } from './browser-case.ts';

export interface ChromiumOracle {
  readonly version: string;
  /** Runs the cases in the real browser; outcomes in the order of the cases. */
  ask(cases: readonly BrowserCase[]): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

/** Concurrent requests in one page. */
const CONCURRENCY = 100;

/** In the page: each request, and whether its fetch resolved. */
const SEND_ALL = `(requests) => {
  const settled = (target, events) =>
    new Promise((resolve) => events.forEach((name) => target.addEventListener(name, () => resolve(true))));
  const append = (name, properties) => {
    const element = Object.assign(document.createElement(name), properties);
    document.body.append(element);
    return element;
  };
  const senders = {
    async fetch(url, init, isStored) {
      if (isStored) await fetch(url, init).then((response) => response.text(), () => {});
      return fetch(url, { ...init, cache: isStored ? 'no-cache' : 'no-store' }).then(() => true, () => false);
    },
    form(url, { method }) {
      const frame = append('iframe', { name: 'result' });
      append('form', { action: url, method, target: 'result' }).submit();
      return settled(frame, ['load']);
    },
    image: (src) => settled(append('img', { crossOrigin: 'anonymous', src }), ['load', 'error']),
    module: (src) => settled(append('script', { type: 'module', src }), ['load', 'error']),
    async 'event-source'(url) {
      const source = new EventSource(url);
      await settled(source, ['error']);
      source.close();
      return true;
    },
    websocket: (url) => settled(new WebSocket(url.replace('http:', 'ws:')), ['error', 'open']),
  };
  return Promise.all(requests.map(({ sender, url, init, isStored }) => senders[sender](url, init, isStored)));
}`;

interface Failed {
  readonly errorText: string;
  readonly corsErrorStatus?: { readonly corsError: string };
}

/** Starts the browser and the server that answers it. */
export async function startOracle(): Promise<ChromiumOracle> {
  const answerer = await startAnswerer();
  const chromium = await launchChromium([RESOLVER_FLAG]);
  const context = chromium.browser.contexts()[0] ?? (await chromium.browser.newContext());
  const failures = new Map<number, Failed>();
  const tabs = new Map<Page, Tab>();
  let lastId = 0;

  for (const page of PAGES) {
    const tab = await context.newPage();
    if (page === 'plain') await tab.goto(answerer.cookieUrl());
    await tab.goto(answerer.pageUrl(page));
    const session = await context.newCDPSession(tab);
    const caseOf = new Map<string, number>();
    session.on('Network.requestWillBeSent', ({ requestId, request, initiator }) => {
      const id = /\/case\/(\d+)\/\d+$/.exec(request.url)?.[1];
      // A preflight is a request of its own; its errors are reported on the main one.
      if (id !== undefined && initiator.type !== 'preflight') caseOf.set(requestId, Number(id));
    });
    session.on('Network.loadingFailed', (failed) => {
      const id = caseOf.get(failed.requestId);
      if (id !== undefined) failures.set(id, failed);
    });
    await session.send('Network.enable');
    tabs.set(page, tab);
  }

  async function askPage(page: Page, cases: readonly BrowserCase[]): Promise<Outcome[]> {
    const tab = tabs.get(page);
    if (tab === undefined) throw new Error(`no page ${page}`);
    const outcomes: Outcome[] = [];
    for (let start = 0; start < cases.length; start += CONCURRENCY) {
      const some = cases.slice(start, start + CONCURRENCY);
      const ids = some.map(() => ++lastId);
      const requests = some.map((browserCase, index) => ({
        url: answerer.prepare(ids[index] ?? 0, browserCase),
        sender: browserCase.sender ?? 'fetch',
        init: initOf(browserCase),
        isStored: browserCase.stored !== undefined,
      }));
      const resolved = (await tab.evaluate(`(${SEND_ALL})(${JSON.stringify(requests)})`)) as boolean[];
      for (const [index, allowed] of resolved.entries()) {
        const id = ids[index] ?? 0;
        const exchanges = answerer.take(id);
        // Requests that the page itself does not send have no network error.
        const failed = allowed || exchanges.length === 0 ? undefined : await failureOf(id);
        const corsError = failed?.corsErrorStatus?.corsError;
        outcomes.push({ allowed, corsError, error: failed?.errorText, exchanges });
      }
      failures.clear();
    }
    return outcomes;
  }

  /** The event may arrive after the rejection of the promise in the page. */
  async function failureOf(id: number): Promise<Failed> {
    for (let turn = 0; turn < 1000; turn++) {
      const failed = failures.get(id);
      if (failed !== undefined) return failed;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`the browser did not say why case ${id} failed`);
  }

  return {
    version: chromium.browser.version(),
    async ask(cases) {
      const outcomes = new Map<BrowserCase, Outcome>();
      for (const page of PAGES) {
        const own = cases.filter((browserCase) => browserCase.page === page);
        for (const [index, outcome] of (await askPage(page, own)).entries()) {
          const browserCase = own[index];
          if (browserCase !== undefined) outcomes.set(browserCase, outcome);
        }
      }
      return cases.flatMap((browserCase) => outcomes.get(browserCase) ?? []);
    },
    async close() {
      await chromium.close();
      await answerer.close();
    },
  };
}

function initOf({ method, headers, body, mode, credentials }: BrowserCase) {
  return {
    method,
    headers,
    mode: mode ?? 'cors',
    credentials,
    redirect: 'follow',
    ...(body !== undefined && { body }),
  };
}
