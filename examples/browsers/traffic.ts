import { setTimeout as delay } from 'node:timers/promises';
import { Browser, CHROMIUM, FIREFOX } from './browser.ts';
import { deck, fetchCall, type ServiceUrls } from './calls.ts';
import type { Ledger } from './ledger.ts';
import { noise } from './noise.ts';

const BROWSERS = 8;
/** One of this many actions of a browser is noise. */
const NOISE_EVERY = 5;

export interface TrafficOptions {
  readonly services: ServiceUrls;
  readonly ledger: Ledger;
  /** Stops the traffic; running calls are finished. */
  readonly signal: AbortSignal;
  /** How long a user pauses between actions, in milliseconds. */
  readonly thinkMillis: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Runs browsers that make their calls in turn, each from a different start, until aborted. */
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
