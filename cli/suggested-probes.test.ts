import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { explainRequest } from '../explain/explanation.ts';
import { readHar } from '../explain/recordings/read-har.ts';
import { shellWords } from '../explain/recordings/shell-words.ts';
import { type Answerer, startAnswerer } from '../test/browser/answerer.ts';
import type { BrowserCase } from '../test/browser/browser-case.ts';
import type { NamedCase } from '../test/browser/named-case.ts';
import { namedCases } from '../test/browser/named-cases.ts';
import { askLine } from './pages/explanation-page.ts';
import { explainText } from './pages/pasted-text-page.ts';
import { probe } from './probe.ts';

let answerer: Answerer;
let lastId = 0;
beforeAll(async () => {
  answerer = await startAnswerer();
});
afterAll(() => answerer.close());

const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((line) => printed.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation(() => {});
  return () => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  };
});

/** Runs a suggested command against the real server. @returns the reason that it finds */
async function follow(command: string, ...more: string[]): Promise<string> {
  const [program, name, ...words] = shellWords(command);
  expect([program, name]).toEqual(['originscope', 'probe']);
  await probe(new Command('probe')).parseAsync([...words, ...more, '--json'], { from: 'user' });
  return JSON.parse(printed.at(-1) ?? '').reason;
}

function caseNamed(name: string): NamedCase {
  const found = namedCases.find(({ browserCase }) => browserCase.name === name);
  if (found === undefined) throw new Error(`no case "${name}"`);
  return found;
}

/** Lets a recorded message name the server of this test instead of the one it was recorded with. */
function serving(messages: readonly string[], browserCase: BrowserCase): string {
  const id = ++lastId;
  const { port } = new URL(answerer.prepare(id, browserCase));
  return messages
    .join('\n')
    .replace(/localhost:8080/g, `localhost:${port}`)
    .replace(/\/case\/\d+\//g, `/case/${id}/`);
}

/** A probe has no cache, and the hosts of insecure pages exist in the browser only. */
function isRepeatable({ page, stored }: BrowserCase): boolean {
  return page === 'plain' && stored === undefined;
}

/** The message has neither the first URL nor that there was a redirect; the page says what to give instead. */
const REDIRECTED = [
  'acao_mismatch: the origin is null after a redirect',
  'acao_wildcard_with_credentials: a redirect back to the site that the user visits',
];

describe.each(['chromium-156.jsonl', 'firefox-153.jsonl', 'webkit-2.50.jsonl'])(
  'the probe suggested for a message of %s',
  (file) => {
    const text = readFileSync(new URL(`../test/fixtures/console-messages/${file}`, import.meta.url), 'utf8');
    const recorded = text
      .trimEnd()
      .split('\n')
      .map((line): { case: string; messages: string[] } => JSON.parse(line))
      .filter(
        (one) => !one.messages.every((message) => message.includes('did not succeed). Status code: (null)')),
      )
      .filter((one) => isRepeatable(caseNamed(one.case).browserCase));

    test.each(recorded.map((one) => [one.case, one.messages] as const))(
      'reproduces it: %s',
      async (name, messages) => {
        const { browserCase } = caseNamed(name);
        const explained = explainText(serving(messages, browserCase));
        if (explained.kind !== 'messages') throw new Error(`not understood: ${messages}`);
        const [message] = explained.messages;
        if (message === undefined) throw new Error(`not understood: ${messages}`);
        // Firefox names no origin.
        const command = message.probe.replace(/ORIGIN$| ORIGIN /, (word) =>
          word.replace('ORIGIN', new URL(answerer.pageUrl('plain')).origin),
        );
        if (!file.startsWith('chromium') && REDIRECTED.includes(name) && message.origin !== 'null') {
          expect(message.hints.join()).toContain('the URL that the page requested');
          return;
        }
        let reason = await follow(command);
        if (browserCase.credentials === 'include' && /^(method|header)_not_allowed/.test(name)) {
          expect(reason).not.toBe(message.reasons[0]);
          expect(message.hints.join()).toContain('--credentials');
          expect(await follow(command, '--credentials')).toBe(message.reasons[0]);
          return;
        }
        if (file.startsWith('webkit') && reason === '' && browserCase.method !== 'GET') {
          // Safari's message does not say that it is the preflight that failed.
          expect(message.hints.join()).toContain('the preflight failed');
          reason = await follow(command, '--method', browserCase.method);
        }
        // Of several faults, Firefox may report another one than the probe.
        expect([caseNamed(name).reason, ...message.reasons]).toContain(reason);
      },
    );
  },
);

test('the probe suggested for a preflight after a redirect follows the redirect to it', async () => {
  const { browserCase } = caseNamed('acao_missing: PUT stays at another origin that allows nobody');
  const first = answerer.prepare(++lastId, browserCase);
  const last = first.replace('//b.', '//c.').replace(/0$/, '1');
  const page = new URL(answerer.pageUrl('plain')).origin;
  const explained = explainText(
    `Access to fetch at '${last}' (redirected from '${first}') from origin '${page}' has been blocked by CORS policy: Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' header is present on the requested resource.`,
  );
  if (explained.kind !== 'messages') throw new Error('not understood');
  expect(await follow(explained.messages[0]?.probe ?? '')).toBe('acao_missing');
  // Firefox sends the last one with the page's Origin instead of null.
  expect(answerer.take(lastId).map(({ request }) => request.method)).toEqual([
    'OPTIONS',
    'GET',
    'OPTIONS',
    'OPTIONS',
  ]);
});

describe('the probe suggested for a request whose response a HAR does not have', () => {
  const blocked = namedCases.filter(
    ({ reason, browserCase: { page, sender, stored, credentials } }) =>
      reason !== '' &&
      page === 'plain' &&
      sender === undefined &&
      stored === undefined &&
      credentials === 'omit',
  );

  test.each(blocked.map((one) => [one.browserCase.name, one] as const))(
    'repeats it with its method and headers: %s',
    async (_, { browserCase, reason }) => {
      const url = answerer.prepare(++lastId, browserCase);
      const [request] = readHar(unanswered(browserCase, url), 'recorded.har');
      if (request === undefined) throw new Error('expected a request');
      const [ask] = askLine(request, explainRequest(request));
      // The probe itself asks for --send before it sends what may modify data.
      expect(await follow(ask?.replace('  ask     ', '') ?? '', '--send')).toBe(reason);
    },
  );
});

/** As Playwright records a blocked request: without preflight, response, and the headers of the browser. */
function unanswered({ method, headers }: BrowserCase, url: string): unknown {
  const list = [
    ...headers,
    ['referer', answerer.pageUrl('plain')],
    ['user-agent', 'x'],
    ['sec-ch-ua', '"x"'],
  ];
  const request = { method, url, headers: list.map(([name, value]) => ({ name, value })) };
  const response = { status: -1, headers: [], _failureText: 'net::ERR_FAILED' };
  return {
    log: {
      creator: { name: 'Playwright' },
      browser: { name: 'chromium' },
      entries: [{ request, response }],
    },
  };
}
