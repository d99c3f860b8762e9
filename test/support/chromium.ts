import { type Browser, chromium } from 'playwright-core';
import { findProgram, startBrowser } from './browser-process.ts';

/** The message when a test needs a browser and none is installed. */
export const CHROMIUM_MISSING =
  'chromium was not found: install it (Debian and Ubuntu: apt-get install chromium), or name one by CHROMIUM_PATH';

const CANDIDATES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Disables telemetry and prompts; otherwise a regular browser. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
];

export interface RunningChromium {
  readonly browser: Browser;
  /** Ends the process and removes its profile. */
  close(): Promise<void>;
}

/** Path of an installed Chromium or Chrome; undefined when there is none. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH;
  return findProgram(named === undefined ? CANDIDATES : [named]);
}

/** Why tests cannot use it; undefined when they can. */
export const whyNoChromium = (): string | undefined =>
  findChromium() === undefined ? CHROMIUM_MISSING : undefined;

/** Starts a headless Chromium with a fresh profile. Throws when none is installed. */
export async function launchChromium(flags: readonly string[] = []): Promise<RunningChromium> {
  const path = findChromium();
  if (path === undefined) throw new Error(CHROMIUM_MISSING);
  const { url, end } = await startBrowser(
    path,
    (profile) => [...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'],
    /^DevTools listening on (ws:.*)$/,
  );
  try {
    const browser = await chromium.connectOverCDP(url);
    return {
      browser,
      async close() {
        await browser.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
