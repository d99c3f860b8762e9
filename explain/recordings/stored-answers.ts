import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { headerOf, type RecordedExchange } from './recorded-request.ts';

/** One exchange of a recording, and its page. */
export interface PageExchange {
  readonly page: string | undefined;
  readonly exchange: RecordedExchange;
}

/**
 * Adds to each 304 the stored response that the browser merges it with
 * (https://fetch.spec.whatwg.org/#http-network-or-cache-fetch), if the recording contains it: the last
 * earlier response of the same URL to the same page with the requested validator.
 */
export function withStoredAnswers(recorded: readonly PageExchange[]): readonly RecordedExchange[] {
  const cache = new Map<string, HeaderList>();
  return recorded.map(({ page, exchange }) => {
    const { request, response } = exchange;
    // Pages of other sites have separate caches.
    if (page === undefined || request.method !== 'GET') return exchange;
    const key = `${page} ${request.url}`;
    if (response.status === 304) {
      const stored = cache.get(key);
      if (stored === undefined || !isAskedAbout(stored, request.headers)) return exchange;
      cache.set(key, freshened(stored, response.headers ?? []));
      return { request, response: { ...response, stored } };
    }
    if (response.status === 200 && response.headers !== undefined) cache.set(key, response.headers);
    return exchange;
  });
}

/** https://www.rfc-editor.org/rfc/rfc9111#name-updating-stored-header-fiel */
export function freshened(stored: HeaderList, update: HeaderList): HeaderList {
  const names = new Set(update.map(([name]) => name.toLowerCase()));
  return [...stored.filter(([name]) => !names.has(name.toLowerCase())), ...update];
}

/**
 * Compares the entity tag, or the date if there is none:
 * https://www.rfc-editor.org/rfc/rfc9110#name-preconditions
 */
function isAskedAbout(stored: HeaderList, asked: HeaderList | undefined): boolean {
  const tag = headerOf(asked, 'if-none-match');
  if (tag !== undefined) return tag === headerOf(stored, 'etag');
  const date = headerOf(asked, 'if-modified-since');
  return date !== undefined && date === headerOf(stored, 'last-modified');
}

/** Whether a response with status 200 may be an unmodified stored one. */
export function isPerhapsNotModified({ request, response }: RecordedExchange): boolean {
  const tag = headerOf(request.headers, 'if-none-match');
  if (tag !== undefined) return [undefined, tag].includes(headerOf(response.headers, 'etag'));
  const date = headerOf(request.headers, 'if-modified-since');
  return date !== undefined && [undefined, date].includes(headerOf(response.headers, 'last-modified'));
}
