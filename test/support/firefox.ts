import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What to print where a Firefox is needed and there is none. */
export const FIREFOX_MISSING =
  'Firefox was not found: install it (Debian: apt-get install firefox-esr), or name one by FIREFOX_PATH';

export interface RunningFirefox {
  readonly version: string;
  goto(url: string): Promise<void>;
  /** Runs the body of an async function in the page, with `arguments`. */
  evaluate(body: string, ...args: readonly unknown[]): Promise<unknown>;
  /** What the console has said since the last call, of the category that CORS errors have. */
  takeErrors(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Path of an installed Firefox; undefined when there is none. */
export function findFirefox(): string | undefined {
  const named = process.env.FIREFOX_PATH;
  return (named === undefined ? ['/usr/bin/firefox-esr', '/usr/bin/firefox'] : [named]).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Starts a headless Firefox with a fresh profile. It is driven by Marionette, because WebDriver BiDi does not
 * show what the browser itself writes to the console. Throws when none is installed.
 */
export async function launchFirefox(): Promise<RunningFirefox> {
  const path = findFirefox();
  if (path === undefined) throw new Error(FIREFOX_MISSING);
  const profile = await mkdtemp(join(tmpdir(), 'originscope-firefox-'));
  await writeFile(join(profile, 'user.js'), 'user_pref("marionette.port", 0);\n');
  const child = spawn(
    path,
    ['--headless', '--no-remote', '--marionette', '--remote-allow-system-access', '--profile', profile],
    { stdio: 'ignore', env: { ...process.env, HOME: profile }, detached: true },
  );
  const killOnExit = () => kill(child);
  process.once('exit', killOnExit);
  const end = async () => {
    process.off('exit', killOnExit);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      kill(child);
      await ended;
    }
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const socket = connect(await portOf(profile, child), '127.0.0.1');
    const send = await speakMarionette(socket);
    const session = (await send('WebDriver:NewSession', {})) as { capabilities: { browserVersion: string } };
    const inContext = async (context: 'chrome' | 'content', command: string, parameters: object) => {
      await send('Marionette:SetContext', { value: context });
      return send(command, parameters);
    };
    const evaluate = async (context: 'chrome' | 'content', script: string, args: readonly unknown[]) => {
      const body = `const done = arguments[arguments.length - 1];
        (async function () { ${script} }).apply(null, arguments).then(done, (error) => done(String(error)));`;
      const { value } = (await inContext(context, 'WebDriver:ExecuteAsyncScript', {
        script: body,
        args,
      })) as {
        value: unknown;
      };
      return value;
    };
    return {
      version: session.capabilities.browserVersion,
      goto: async (url) => void (await inContext('content', 'WebDriver:Navigate', { url })),
      evaluate: (body, ...args) => evaluate('content', body, args),
      takeErrors: async () => (await evaluate('chrome', TAKE_ERRORS, [])) as string[],
      async close() {
        socket.destroy();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

const TAKE_ERRORS = `
  const messages = Services.console.getMessageArray().filter((message) => message instanceof Ci.nsIScriptError);
  Services.console.reset();
  return messages.filter(({ category }) => category.startsWith('CORS')).map(({ errorMessage }) => errorMessage);
`;

/** Firefox writes the port that it took into its profile. */
async function portOf(profile: string, child: ChildProcess): Promise<number> {
  for (let turn = 0; turn < 600 && child.exitCode === null; turn++) {
    const text = await readFile(join(profile, 'MarionetteActivePort'), 'utf8').catch(() => '');
    if (text.trim() !== '') return Number(text);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('Firefox did not open its Marionette port');
}

/** Messages are `LENGTH:JSON`; a command is answered under its number. */
async function speakMarionette(
  socket: Socket,
): Promise<(command: string, parameters: object) => Promise<unknown>> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const greeted = Promise.withResolvers<void>();
  let pending = Buffer.alloc(0);
  let lastId = 0;
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const colon = pending.indexOf(':');
      if (colon === -1) return;
      const end = colon + 1 + Number(pending.subarray(0, colon));
      if (pending.length < end) return;
      const message: unknown = JSON.parse(pending.subarray(colon + 1, end).toString());
      pending = pending.subarray(end);
      if (!Array.isArray(message)) {
        greeted.resolve();
        continue;
      }
      const [, id, error, result] = message;
      if (error === null) waiting.get(id)?.resolve(result);
      else waiting.get(id)?.reject(new Error(`Firefox: ${error.error}: ${error.message}`));
      waiting.delete(id);
    }
  });
  socket.on('error', (error) => {
    greeted.reject(error);
    for (const { reject } of waiting.values()) reject(error);
  });
  await greeted.promise;
  return (command, parameters) => {
    const id = ++lastId;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    const text = JSON.stringify([0, id, command, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    return answer.promise;
  };
}

function kill(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
}
