import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { headerOf, type RecordedExchange } from './recorded-request.ts';

/** One exchange of a recording, and the page that it was for. */
export interface PageExchange {
  readonly page: string | undefined;
  readonly exchange: RecordedExchange;
}

/**
 * Adds to each 304 what the browser merges it with (Fetch §4.6 "HTTP-network-or-cache fetch"), where the same
 * recording shows how that came into its cache: the last answer before it of the same URL to the same page,
 * which has the validator that was asked about.
 */
export function withStoredAnswers(recorded: readonly PageExchange[]): readonly RecordedExchange[] {
  const cache = new Map<string, HeaderList>();
  return recorded.map(({ page, exchange }) => {
    const { request, response } = exchange;
    // Pages of other sites have caches of their own.
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

/** RFC 9111 §3.2 "Updating Stored Header Fields". */
export function freshened(stored: HeaderList, update: HeaderList): HeaderList {
  const names = new Set(update.map(([name]) => name.toLowerCase()));
  return [...stored.filter(([name]) => !names.has(name.toLowerCase())), ...update];
}

/** RFC 9110 §13.1: by its entity tag, and only without one by its date. */
function isAskedAbout(stored: HeaderList, asked: HeaderList | undefined): boolean {
  const tag = headerOf(asked, 'if-none-match');
  if (tag !== undefined) return tag === headerOf(stored, 'etag');
  const date = headerOf(asked, 'if-modified-since');
  return date !== undefined && date === headerOf(stored, 'last-modified');
}

/** Whether an answer of status 200 may be of something that has not changed since it was stored. */
export function isPerhapsNotModified({ request, response }: RecordedExchange): boolean {
  const tag = headerOf(request.headers, 'if-none-match');
  if (tag !== undefined) return [undefined, tag].includes(headerOf(response.headers, 'etag'));
  const date = headerOf(request.headers, 'if-modified-since');
  return date !== undefined && [undefined, date].includes(headerOf(response.headers, 'last-modified'));
}
