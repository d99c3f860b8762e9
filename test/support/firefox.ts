import { connectBidi } from './bidi.ts';
import { findProgram, startBrowser } from './browser-process.ts';

/** What to print where a Firefox is needed and there is none. */
export const FIREFOX_MISSING =
  'Firefox was not found: install it (Debian: apt-get install firefox-esr), or name one by FIREFOX_PATH';

export interface RunningFirefox {
  readonly version: string;
  goto(url: string): Promise<void>;
  /** The value of an expression in the page, or what it resolves to, as JSON carries it. */
  evaluate(expression: string): Promise<unknown>;
  /** What the console has said of CORS since the last call. */
  takeErrors(): Promise<readonly string[]>;
  /**
   * Opens the network panel of the developer tools, which records from then on.
   * @returns gives what its "Save All As HAR" saves, once the answer of `lastUrl` is in it
   */
  recordHar(): Promise<(lastUrl: string) => Promise<unknown>>;
  close(): Promise<void>;
}

/** Path of an installed Firefox; undefined when there is none. */
export function findFirefox(): string | undefined {
  const named = process.env.FIREFOX_PATH;
  return findProgram(named === undefined ? ['/usr/bin/firefox-esr', '/usr/bin/firefox'] : [named]);
}

/** Why tests cannot use it; undefined when they can. */
export const whyNoFirefox = (): string | undefined =>
  findFirefox() === undefined ? FIREFOX_MISSING : undefined;

/** Starts a headless Firefox with a fresh profile, driven by WebDriver BiDi. Throws when none is installed. */
export async function launchFirefox(): Promise<RunningFirefox> {
  const path = findFirefox();
  if (path === undefined) throw new Error(FIREFOX_MISSING);
  const { url, end } = await startBrowser(path, flagsFor, /^WebDriver BiDi listening on (ws:.*)$/);
  try {
    return await drive(url, end);
  } catch (error) {
    await end();
    throw error;
  }
}

/** System access is for the developer tools; pages are driven without. */
function flagsFor(profile: string): readonly string[] {
  const system = '--remote-allow-system-access';
  return ['--headless', '--no-remote', '--remote-debugging-port', '0', system, '--profile', profile];
}

async function drive(url: string, end: () => Promise<void>): Promise<RunningFirefox> {
  let said: string[] = [];
  let onMark: (mark: string) => void = () => {};
  const { send, close } = await connectBidi(`${url}/session`, (text) => {
    if (text.startsWith(MARK)) onMark(text);
    else if (text.startsWith('Cross-Origin Request ')) said.push(text);
  });
  const { capabilities } = await send('session.new', { capabilities: {} });
  await send('session.subscribe', { events: ['log.entryAdded'] });

  async function contextOf(scope: object): Promise<string> {
    const { contexts } = await send('browsingContext.getTree', scope);
    if (contexts[0] === undefined) throw new Error('Firefox has no window');
    return contexts[0].context;
  }

  async function evaluateIn(context: string, expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await send('script.evaluate', {
      expression: `(async () => JSON.stringify(await (${expression})))()`,
      target: { context },
      awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`Firefox: ${exceptionDetails.text}`);
    return result?.value === undefined ? undefined : JSON.parse(result.value);
  }

  const page = await contextOf({});
  return {
    version: capabilities.browserVersion,
    async goto(target) {
      await send('browsingContext.navigate', { context: page, url: target, wait: 'complete' });
    },
    evaluate: (expression) => evaluateIn(page, expression),
    async takeErrors() {
      // Entries come in the order of the page's doing, but later than the answers to commands.
      const marked = new Promise((resolve) => {
        onMark = resolve;
      });
      await evaluateIn(page, `console.log('${MARK}')`);
      await marked;
      const taken = said;
      said = [];
      return taken;
    },
    async recordHar() {
      const browser = await contextOf({ 'moz:scope': 'chrome' });
      await evaluateIn(browser, OPEN_NETWORK_PANEL);
      return async (lastUrl) => evaluateIn(browser, `${SAVE_AS_HAR}(${JSON.stringify(lastUrl)})`);
    },
    async close() {
      close();
      await end();
    },
  };
}

/** Written to the console where its messages so far are to be taken. */
const MARK = 'originscope: so far';

const OPEN_NETWORK_PANEL = `(async () => {
  const { require } = ChromeUtils.importESModule('resource://devtools/shared/loader/Loader.sys.mjs');
  const { gDevTools } = require('devtools/client/framework/devtools');
  globalThis.toolbox = await gDevTools.showToolboxForTab(gBrowser.selectedTab, { toolId: 'netmonitor' });
})()`;

/** Asked while it still hears of a request, the panel would lose that one. */
const SAVE_AS_HAR = `(async (lastUrl) => {
  const { store } = toolbox.getPanel('netmonitor').panelWin;
  for (let turn = 0; turn < 600; turn++) {
    const { requests } = store.getState().requests;
    if (requests.some(({ url, totalTime }) => url === lastUrl && totalTime !== undefined)) {
      return { log: await toolbox.getHARFromNetMonitor() };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the network panel has not heard of ' + lastUrl);
})`;
