import { findProgram, hasEnded, startInGroup } from './browser-process.ts';
import { freePort } from './free-port.ts';

/** What to print where a WebKit is needed and there is none. */
export const WEBKIT_MISSING =
  'WebKit was not found: install it (Debian: apt-get install webkit2gtk-driver xvfb xauth)';

export const VIRTUAL_DISPLAY = '/usr/bin/xvfb-run';
const DRIVER = '/usr/bin/WebKitWebDriver';
const BROWSERS = ['x86_64', 'aarch64'].map(
  (architecture) => `/usr/lib/${architecture}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
);

/** WebKitGTK, which has the engine of Safari. */
export interface RunningWebKit {
  readonly version: string;
  goto(url: string): Promise<void>;
  /** What an expression in the page resolves to, as JSON carries it. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Path of an installed WebKit browser that can be driven; undefined when there is none. */
export function findWebKit(): string | undefined {
  const isDrivable = findProgram([DRIVER]) !== undefined && findProgram([VIRTUAL_DISPLAY]) !== undefined;
  return isDrivable ? findProgram(BROWSERS) : undefined;
}

/** Why tests cannot use it; undefined when they can. */
export const whyNoWebKit = (): string | undefined =>
  findWebKit() === undefined ? WEBKIT_MISSING : undefined;

/** Starts WebKit on a virtual display, driven by WebDriver (https://www.w3.org/TR/webdriver2/). Throws when none is installed. */
export async function launchWebKit(): Promise<RunningWebKit> {
  const binary = findWebKit();
  if (binary === undefined) throw new Error(WEBKIT_MISSING);
  const port = await freePort();
  const { child, end } = await startInGroup(VIRTUAL_DISPLAY, () => ['-a', DRIVER, `--port=${port}`], {
    stdio: 'ignore',
    // The virtual display would stay after SIGKILL.
    signal: 'SIGTERM',
  });

  async function command(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok) throw new Error(`WebKit: ${JSON.stringify(value)}`);
    return value;
  }

  try {
    await untilListening(
      () => command('GET', '/status'),
      () => hasEnded(child),
    );
    const { sessionId, capabilities } = (await command('POST', '/session', {
      capabilities: {
        alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation'] } },
      },
    })) as { sessionId: string; capabilities: { browserVersion: string } };
    const session = `/session/${sessionId}`;
    return {
      version: capabilities.browserVersion,
      async goto(url) {
        await command('POST', `${session}/url`, { url });
      },
      async evaluate(expression) {
        const answer = await command('POST', `${session}/execute/async`, {
          script: `const done = arguments[arguments.length - 1];
            Promise.resolve(${expression}).then((value) => done({ value }), (error) => done({ error: String(error) }));`,
          args: [],
        });
        const { value, error } = answer as { value?: unknown; error?: string };
        if (error !== undefined) throw new Error(`WebKit: ${error}`);
        return value;
      },
      async close() {
        await command('DELETE', session);
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The driver does not announce that it listens. */
async function untilListening(ask: () => Promise<unknown>, hasEnded: () => boolean): Promise<void> {
  for (let turn = 0; !hasEnded(); turn++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (turn === 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(`${DRIVER} ended before it could be driven`);
}
