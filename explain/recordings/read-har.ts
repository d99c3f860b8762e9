import { z } from 'zod';
import { OriginscopeError } from '../../core/errors.ts';
import type { Browser } from '../browsers.ts';
import { asStatus, splitRepeated } from './read-line.ts';
import {
  headerOf,
  type RecordedExchange,
  type RecordedRequest,
  requestedMethod,
} from './recorded-request.ts';
import { isPerhapsNotModified, withStoredAnswers } from './stored-answers.ts';

const headers = z
  .array(z.object({ name: z.string(), value: z.string().catch('') }))
  .catch([])
  .transform((list) => splitRepeated(list.map(({ name, value }) => [name, value] as const)));

const entry = z.object({
  startedDateTime: z.string().catch(''),
  request: z.object({ method: z.string(), url: z.string(), headers }),
  response: z
    .object({
      status: z.number().catch(0),
      headers,
      redirectURL: z.string().catch(''),
      // Of Chrome's DevTools, and of Playwright.
      _error: z.string().nullish().catch(undefined),
      _failureText: z.string().nullish().catch(undefined),
    })
    .catch({ status: 0, headers: [], redirectURL: '' }),
});
type Entry = z.infer<typeof entry>;

const program = z.object({ name: z.string().catch('') }).catch({ name: '' });
const har = z.object({ log: z.object({ creator: program, browser: program, entries: z.array(entry) }) });

/**
 * Reads the requests of a HAR (http://www.softwareishard.com/blog/har-12-spec/), its entries grouped into
 * what a page requested: preflight, redirects, the request itself. Ids are `entries[N]`, N that of the last
 * exchange.
 *
 * @throws OriginscopeError `HAR_MALFORMED`
 */
export function readHar(value: unknown, name: string): readonly RecordedRequest[] {
  const read = har.safeParse(value);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new OriginscopeError('HAR_MALFORMED', {
      name,
      problem: `${issue?.path.join('.')}: ${issue?.message}`,
      cause: read.error,
    });
  }
  const { entries, creator, browser } = read.data.log;
  const exchanges = withStoredAnswers(
    entries.map((one) => ({ page: pageOrigin([one]), exchange: asExchange(one, creator.name) })),
  );
  return groupByRequest(entries).map((chain) => ({
    id: `entries[${chain.at(-1)}]`,
    origin: pageOrigin(chain.map((index) => entries[index] as Entry)),
    browser: browserCalled(creator.name === PLAYWRIGHT ? browser.name : creator.name),
    outcome: outcomeOf(entries[chain.at(-1) ?? 0] as Entry, creator.name),
    omitsBlocked: creator.name === PLAYWRIGHT,
    exchanges: chain.map((index) => exchanges[index] as RecordedExchange),
  }));
}

const PLAYWRIGHT = 'Playwright';
/** Chrome and other browsers built on Chromium call themselves so. */
const DEVTOOLS = 'WebInspector';

const BROWSER_OF_NAME: Readonly<Record<string, Browser>> = {
  [DEVTOOLS]: 'chrome',
  chromium: 'chrome',
  Firefox: 'firefox',
  firefox: 'firefox',
  'WebKit Web Inspector': 'safari',
  webkit: 'safari',
};

function browserCalled(name: string): Browser | undefined {
  return Object.hasOwn(BROWSER_OF_NAME, name) ? BROWSER_OF_NAME[name] : undefined;
}

/** What became of a request. Firefox and Safari record responses that the page did not get like all others. */
function outcomeOf({ request, response }: Entry, creatorName: string): RecordedRequest['outcome'] {
  if (requestedMethod(request) !== undefined) return undefined;
  if (creatorName !== DEVTOOLS && creatorName !== PLAYWRIGHT) return undefined;
  if (errorOf(response) !== undefined) return 'failed';
  // Old versions of DevTools did not record errors.
  const isErrorRecorded = creatorName === PLAYWRIGHT || response._error === null;
  return isErrorRecorded && asStatus(response.status) !== undefined ? 'delivered' : undefined;
}

function errorOf({ _error, _failureText }: Entry['response']): string | undefined {
  return _error || _failureText || undefined;
}

/** Groups the indexes of entries by request, in wire order; requests in the order of their first entries. */
function groupByRequest(entries: readonly Entry[]): readonly (readonly number[])[] {
  const preflights = new Map<string, number[]>();
  const redirected = new Map<string, number[][]>();
  const chains: number[][] = [];
  for (const [index, { request }] of entries.entries()) {
    const asked = requestedMethod(request);
    if (asked !== undefined) push(preflights, `${asked} ${request.url}`, index);
  }
  for (const [index, one] of entries.entries()) {
    const { request, response } = one;
    if (requestedMethod(request) !== undefined || !isNetworkRequest(request.url)) continue;
    const chain = redirected.get(request.url)?.shift() ?? newChain(chains);
    const preflight = preflights.get(`${request.method} ${request.url}`)?.shift();
    if (preflight !== undefined) chain.push(preflight);
    chain.push(index);
    const target = redirectTarget(one);
    if (target !== undefined && response.status >= 300 && response.status <= 399)
      push(redirected, target, chain);
  }
  // Preflights whose request the browser did not send or record.
  for (const indexes of preflights.values()) for (const index of indexes) chains.push([index]);
  return chains.toSorted((one, other) => (one[0] ?? 0) - (other[0] ?? 0));
}

/** Excludes `data:`, `blob:` and resources of extensions. */
function isNetworkRequest(url: string): boolean {
  return /^(https?|wss?):/i.test(url);
}

function newChain(chains: number[][]): number[] {
  const chain: number[] = [];
  chains.push(chain);
  return chain;
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function redirectTarget({ request, response }: Entry): string | undefined {
  const target = response.redirectURL || headerOf(response.headers, 'location');
  if (!target || !URL.canParse(target, request.url)) return undefined;
  return new URL(target, request.url).href;
}

/** A browser that blocked a request may have omitted the response; real messages have some headers. */
function asExchange({ request, response }: Entry, creatorName: string): RecordedExchange {
  const exchange: RecordedExchange = {
    request: isSent(request.headers)
      ? request
      : { ...request, headers: undefined, provisional: request.headers },
    response: {
      status: asStatus(response.status),
      headers: response.headers.length > 0 ? response.headers : undefined,
      error: errorOf(response),
    },
  };
  // Playwright records the headers of a 304 with the status of the stored response.
  const isMixed = creatorName === PLAYWRIGHT && response.status === 200 && isPerhapsNotModified(exchange);
  return isMixed ? { ...exchange, response: { ...exchange.response, status: 304 } } : exchange;
}

/** Chrome's provisional headers, shown when it did not see the actual ones, lack these. */
function isSent(list: Entry['request']['headers']): boolean {
  return SENT_ALWAYS.some((name) => headerOf(list, name) !== undefined);
}

const SENT_ALWAYS = ['host', ':authority', 'origin', 'sec-fetch-mode'] as const;

function pageOrigin([first]: readonly Entry[]): string | undefined {
  const origin = headerOf(first?.request.headers, 'origin');
  if (origin !== undefined) return origin;
  const referer = headerOf(first?.request.headers, 'referer');
  return referer !== undefined && URL.canParse(referer) ? new URL(referer).origin : undefined;
}
