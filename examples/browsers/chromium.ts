import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { type FetchCall, serviceOf } from './browser.ts';
import { fetchCall, type PageCall, realPageCalls } from './calls.ts';
import { NetworkRecorder, type WireExchange } from './chromium-network.ts';
import { type Block, corsCheck, preflightCheck } from './fetch-algorithm.ts';
import type { Ledger } from './ledger.ts';
import type { TrafficOptions } from './traffic.ts';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Real pages in a real browser, ready to make calls. */
export interface RealBrowser {
  /** Makes calls until aborted; running ones are finished. */
  browse(options: Omit<TrafficOptions, 'now'>): Promise<void>;
  close(): Promise<void>;
}

/** Starts Chromium if it is installed, and Playwright to control it; else returns undefined. */
export async function startChromium(): Promise<RealBrowser | undefined> {
  const executablePath = EXECUTABLES.find((path) => existsSync(path));
  if (executablePath === undefined) return undefined;
  const playwright = await import('playwright-core').catch(() => undefined);
  if (playwright === undefined) return undefined;
  const { chromium } = playwright;
  // The demo handles signals itself.
  const chrome = await chromium.launch({
    executablePath,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  const pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>A page of the demo</title>');
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const calls = realPageCalls((pages.address() as AddressInfo).port);
  return {
    async browse(options) {
      const origins = Map.groupBy(calls, (call) => call.from);
      await Promise.all([...origins].map(([origin, own]) => usePage(chrome, origin, own, options)));
    },
    async close() {
      await chrome.close();
      pages.closeAllConnections();
      await new Promise((resolve) => pages.close(resolve));
    },
  };
}

async function usePage(
  chrome: Browser,
  origin: string,
  calls: readonly PageCall[],
  { services, ledger, signal, thinkMillis }: Omit<TrafficOptions, 'now'>,
): Promise<void> {
  const page = await chrome.newPage();
  await page.goto(origin);
  const network = new NetworkRecorder();
  await network.attach(await page.context().newCDPSession(page));
  for (let turn = 0; !signal.aborted; turn++) {
    const call = calls[turn % calls.length];
    if (call === undefined) return;
    const { url, method, headers, credentials, body } = fetchCall(call, services);
    await callFrom(page, url.href, { method, headers, credentials, ...(body !== undefined && { body }) });
    const { exchanges, blocked } = await network.take();
    for (const exchange of exchanges) {
      const block =
        blocked !== undefined && blocked.kind === exchange.kind ? { reason: blocked.reason } : null;
      note(ledger, origin, url, call, exchange, block);
    }
    await delay(thinkMillis, undefined, { signal }).catch(() => undefined);
  }
}

/** Runs in the page; the result is in the network log. */
async function callFrom(
  page: Page,
  url: string,
  init: Pick<FetchCall, 'method' | 'headers' | 'credentials' | 'body'>,
): Promise<void> {
  await page.evaluate(
    async ([url, init]) => {
      try {
        const response = await fetch(url, { ...init, cache: 'no-store' });
        await response.text();
      } catch {
        // A TypeError: all that a page learns of a blocked request.
      }
    },
    [url, init] as const,
  );
}

/**
 * The browser reports whether it blocked the exchange; only the result for the other credentials mode is
 * computed.
 */
function note(
  ledger: Ledger,
  origin: string,
  url: URL,
  call: PageCall,
  { kind, sent, answer }: WireExchange,
  block: Block | null,
): void {
  const includesCredentials = call.credentials === 'include';
  const asked = {
    method: sent['access-control-request-method'] ?? '',
    headerNames: sent['access-control-request-headers']?.split(',') ?? [],
  };
  ledger.note({
    service: serviceOf(url),
    origin,
    kind,
    block,
    includesCredentials,
    otherwise:
      kind === 'preflight'
        ? preflightCheck(origin, !includesCredentials, asked, answer)
        : ((block?.reason === 'redirect_url_has_credentials' ? block : null) ??
          corsCheck(origin, !includesCredentials, answer.headers)),
    // Chromium shows the credentials mode on every actual cross-site request, by a header or its absence.
    showsCredentials: kind === 'actual',
  });
}
