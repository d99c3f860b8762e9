import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { ProbeArguments } from '../probe-command.ts';
import { isSetByPage } from './browser-headers.ts';
import { shellWords } from './shell-words.ts';

/** A request copied from DevTools. */
export interface CopiedRequest extends ProbeArguments {
  /** Undefined when the page is unknown. */
  readonly pageOrigin: string | undefined;
}

/** Parses the output of "Copy as cURL" (for sh or cmd) or "Copy as fetch"; undefined when it is neither. */
export function readCopiedRequest(text: string): CopiedRequest | undefined {
  const trimmed = text.trim();
  if (/^curl(\.exe)?\s/.test(trimmed)) return readCurl(shellWords(trimmed).slice(1));
  if (/^(await\s+)?fetch\(/.test(trimmed)) return readFetch(trimmed);
  return undefined;
}

const WITH_VALUE: Readonly<
  Record<string, 'method' | 'header' | 'url' | 'cookie' | 'body' | 'referer' | 'other'>
> = {
  '-X': 'method',
  '--request': 'method',
  '-H': 'header',
  '--header': 'header',
  '--url': 'url',
  '-b': 'cookie',
  '--cookie': 'cookie',
  '-d': 'body',
  '--data': 'body',
  '--data-ascii': 'body',
  '--data-binary': 'body',
  '--data-raw': 'body',
  '--data-urlencode': 'body',
  '--json': 'body',
  '-F': 'body',
  '--form': 'body',
  '-e': 'referer',
  '--referer': 'referer',
  '-A': 'other',
  '--user-agent': 'other',
  '-u': 'other',
  '--user': 'other',
  '-o': 'other',
  '--output': 'other',
  '-x': 'other',
  '--proxy': 'other',
  '--max-time': 'other',
  '--connect-timeout': 'other',
};

function readCurl(words: readonly string[]): CopiedRequest | undefined {
  let url: string | undefined;
  let method: string | undefined;
  let referer: string | undefined;
  let hasBody = false;
  let hasCookie = false;
  const headers: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const what = Object.hasOwn(WITH_VALUE, word) ? WITH_VALUE[word] : undefined;
    if (what === undefined) {
      if (word === '-I' || word === '--head') method ??= 'HEAD';
      else if (!word.startsWith('-')) url ??= word;
      continue;
    }
    const value = words[++i] ?? '';
    if (what === 'method') method = value;
    else if (what === 'url') url = value;
    else if (what === 'cookie') hasCookie = true;
    else if (what === 'body') {
      hasBody = true;
      if (word === '--json') headers.push(['Content-Type', 'application/json']);
    } else if (what === 'referer') referer = value;
    else if (what === 'header') {
      const colon = value.indexOf(':', 1);
      if (colon > 0) headers.push([value.slice(0, colon), value.slice(colon + 1).trim()]);
    }
  }
  if (url === undefined) return undefined;
  return copied(url, method ?? (hasBody ? 'POST' : 'GET'), headers, referer, hasCookie);
}

/** DevTools write the arguments as JSON. */
function readFetch(text: string): CopiedRequest | undefined {
  const start = text.indexOf('(') + 1;
  const end = text.lastIndexOf(')');
  let values: unknown;
  try {
    values = JSON.parse(`[${text.slice(start, end === -1 ? undefined : end)}]`);
  } catch {
    return undefined;
  }
  const [url, options] = values as [unknown, unknown];
  if (typeof url !== 'string') return undefined;
  const { method, headers, referrer, credentials } = (
    typeof options === 'object' && options !== null ? options : {}
  ) as Record<string, unknown>;
  const list = Object.entries(typeof headers === 'object' && headers !== null ? headers : {}).map(
    ([name, value]) => [name, String(value)] as const,
  );
  return copied(
    url,
    typeof method === 'string' ? method : 'GET',
    list,
    typeof referrer === 'string' ? referrer : undefined,
    credentials === 'include',
  );
}

function copied(
  url: string,
  method: string,
  headers: HeaderList,
  referer: string | undefined,
  credentials: boolean,
): CopiedRequest {
  const header = (name: string) => headers.find(([one]) => one.toLowerCase() === name)?.[1];
  const page = referer ?? header('referer');
  const pageOrigin =
    header('origin') ?? (page !== undefined && URL.canParse(page) ? new URL(page).origin : undefined);
  return {
    url,
    method,
    origin: pageOrigin ?? 'ORIGIN',
    pageOrigin,
    headers: headers.filter(([name, value]) => isSetByPage(name, value)),
    credentials: credentials || header('cookie') !== undefined,
  };
}
