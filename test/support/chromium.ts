import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium } from 'playwright-core';

/** What to print where a test needs a browser and there is none. */
export const CHROMIUM_MISSING =
  'chromium was not found: install it (Debian and Ubuntu: apt-get install chromium), or name one by CHROMIUM_PATH';

const CANDIDATES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Nothing that phones home or asks; otherwise the browser as people have it. */
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
  return (named === undefined ? CANDIDATES : [named]).find(isExecutable);
}

/** Starts a headless Chromium with a fresh profile. Throws when none is installed. */
export async function launchChromium(flags: readonly string[] = []): Promise<RunningChromium> {
  const path = findChromium();
  if (path === undefined) throw new Error(CHROMIUM_MISSING);
  const profile = await mkdtemp(join(tmpdir(), 'originscope-chromium-'));
  const child = spawn(path, [...FLAGS, ...flags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that its many processes end together.
    detached: true,
  });
  // Should the tests themselves be ended before they close it.
  const killOnExit = () => killGroup(child);
  process.once('exit', killOnExit);
  const end = async () => {
    process.off('exit', killOnExit);
    await endGroup(child);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const browser = await chromium.connectOverCDP(await devToolsUrl(child));
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

async function devToolsUrl(child: ChildProcess): Promise<string> {
  const { stderr } = child;
  if (stderr === null) throw new Error('chromium was started without a pipe for its messages');
  const said: string[] = [];
  const lines = createInterface({ input: stderr });
  for await (const line of lines) {
    const url = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
    if (url !== undefined) {
      // Unread messages would fill the pipe and stop the browser.
      stderr.resume();
      return url;
    }
    said.push(line);
  }
  throw new Error(`chromium ended before it could be driven; it said:\n${said.slice(-10).join('\n')}`);
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  killGroup(child);
  await ended;
}

function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, 'SIGKILL');
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
