import { setTimeout as delay } from 'node:timers/promises';
import { Browser, CHROMIUM, FIREFOX } from './browser.ts';
import { deck, fetchCall, type ServiceUrls } from './calls.ts';
import type { Ledger } from './ledger.ts';
import { noise } from './noise.ts';

const BROWSERS = 8;
/** Of so many things that a browser does one is noise. */
const NOISE_EVERY = 5;

export interface TrafficOptions {
  readonly services: ServiceUrls;
  readonly ledger: Ledger;
  /** Ends the traffic: calls that are under way are finished. */
  readonly signal: AbortSignal;
  /** How long a user looks at something, milliseconds. */
  readonly thinkMillis: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Browsers that go through their decks of calls, each from a place of its own, until told to stop. */
export async function browse(options: TrafficOptions): Promise<void> {
  const { ledger, now } = options;
  await Promise.all(
    Array.from({ length: BROWSERS }, (_, index) =>
      useBrowser(new Browser(index % 2 === 0 ? CHROMIUM : FIREFOX, ledger, now), index, options),
    ),
  );
}

async function useBrowser(browser: Browser, index: number, options: TrafficOptions): Promise<void> {
  const { services, signal, thinkMillis } = options;
  const calls = deck();
  const noises = noise(browser, services);
  const start = Math.floor((index * calls.length) / BROWSERS);
  for (let turn = 0; !signal.aborted; turn++) {
    const call = calls[(start + turn) % calls.length];
    if (call !== undefined) await browser.fetch(call.from, fetchCall(call, services));
    if (turn % NOISE_EVERY === 0) await noises[(turn / NOISE_EVERY) % noises.length]?.();
    await delay(thinkMillis, undefined, { signal }).catch(() => undefined);
  }
}
