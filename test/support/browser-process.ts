import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface BrowserProcess {
  /** The WebSocket for driving it. */
  readonly url: string;
  /** Ends it and removes its profile. */
  end(): Promise<void>;
}

/** The first of these programs that is installed; undefined when none is. */
export function findProgram(paths: readonly string[]): string | undefined {
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Starts a browser with a fresh profile, and waits until it can be driven.
 * @param path the program
 * @param flagsFor its flags, given the directory of the profile
 * @param listening matches the line with its URL; the first group is the URL
 */
export async function startBrowser(
  path: string,
  flagsFor: (profile: string) => readonly string[],
  listening: RegExp,
): Promise<BrowserProcess> {
  const { child, end } = await startInGroup(path, flagsFor, {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: 'SIGKILL',
  });
  try {
    return { url: await announcedUrl(path, child, listening), end };
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * Starts a program with a fresh home directory, in a process group of its own, so that its processes end together.
 *
 * @param argsFor its arguments, given the home directory
 * @param options.signal what ends the group
 */
export async function startInGroup(
  path: string,
  argsFor: (home: string) => readonly string[],
  { stdio, signal }: { readonly stdio: StdioOptions; readonly signal: NodeJS.Signals },
): Promise<{ readonly child: ChildProcess; end(): Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'originscope-browser-'));
  // With that home files outside a browser's profile are removed, too.
  const child = spawn(path, argsFor(home), { stdio, env: { ...process.env, HOME: home }, detached: true });
  const endGroup = () => {
    if (child.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, signal);
  };
  // In case the tests are killed before they close it.
  process.once('exit', endGroup);
  return {
    child,
    async end() {
      process.off('exit', endGroup);
      if (!hasEnded(child)) {
        const ended = once(child, 'exit');
        endGroup();
        await ended;
      }
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function announcedUrl(path: string, child: ChildProcess, listening: RegExp): Promise<string> {
  const { stderr } = child;
  if (stderr === null) throw new Error(`${path} was started without a pipe for its messages`);
  const said: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    const url = listening.exec(line)?.[1];
    if (url !== undefined) {
      // Unread messages would fill the pipe and stop the browser.
      stderr.resume();
      return url;
    }
    said.push(line);
  }
  throw new Error(`${path} ended before it could be driven; it said:\n${said.slice(-10).join('\n')}`);
}

export function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
