import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';
import { isRedirectStatus } from '../instrumentation/src/fetch-standard/redirect-check.ts';
import { requestedHeaders } from '../instrumentation/src/fetch-standard/requested-headers.ts';
import {
  isSafelistedMethod,
  unsafeRequestHeaderNames,
} from '../instrumentation/src/fetch-standard/safelist.ts';
import type { Browser } from './browsers.ts';
import { headerOf, isPreflight, type RecordedExchange } from './recordings/recorded-request.ts';

/** What browsers do differently, measured in Chromium 156, Firefox 153 and WebKitGTK 2.50. */
export const BEHAVIOURS = {
  redirect_with_user_info:
    'Chrome does not follow a redirect to a URL with a user name or password, not even within one origin. Firefox and Safari follow it unless the request is a CORS request or becomes one.',
  preflight_after_redirect:
    'After a redirect of a request that had a preflight, Firefox and Safari send another preflight even if the new request needs none (303 turned it into a GET, or Authorization was removed). Chrome does not.',
  client_hint_preflight:
    'A page that sets a client hint (such as Save-Data or DPR) causes a preflight in Firefox and Safari, but not in Chrome.',
  origin_of_redirected_preflight:
    "After a redirect between foreign origins, the preflight of Firefox has the page's origin, that of Chrome and Safari has Origin null.",
  empty_location:
    'Chrome delivers a redirect with an empty Location as a response. Safari fails, and Firefox repeats the request until its limit of redirects and fails.',
} as const;
export type Behaviour = keyof typeof BEHAVIOURS;

/** How the request of a browser differs from the recorded one. */
export type Deviation =
  /** It does not send this preflight. */
  | { readonly kind: 'not_sent'; readonly behaviour: Behaviour }
  /** It may not send this preflight: that depends on the value of a header that was not recorded. */
  | { readonly kind: 'perhaps_not_sent'; readonly behaviour: Behaviour }
  /** It sends a preflight first, which was not recorded. */
  | { readonly kind: 'preflight_first'; readonly behaviour: Behaviour }
  /** It sends another Origin. */
  | { readonly kind: 'origin'; readonly origin: string; readonly behaviour: Behaviour };

/**
 * How the request that a browser sends differs from a recorded one.
 *
 * @param pageOrigin the origin of the page; undefined when unknown
 * @param expectedOrigin the Origin according to the standard; undefined when unknown
 * @returns undefined when it sends the same
 */
export function deviationOf(
  browser: Browser,
  exchanges: readonly RecordedExchange[],
  index: number,
  pageOrigin: string | undefined,
  expectedOrigin: string | undefined,
): Deviation | undefined {
  const request = exchanges[index]?.request;
  if (request === undefined) return undefined;
  const before = exchanges.slice(0, index);
  const last = before.at(-1);
  const isAfterRedirect = isRedirectStatus(last?.response.status);
  const hadPreflight = before.some((one) => isPreflight(one.request));
  if (!isPreflight(request)) {
    if (browser === 'chrome' || (last !== undefined && isPreflight(last.request))) return undefined;
    if (isAfterRedirect && hadPreflight && headerOf(request.headers, 'origin') !== undefined) {
      return { kind: 'preflight_first', behaviour: 'preflight_after_redirect' };
    }
    return clientHintDeviation(request);
  }
  const method = headerOf(request.headers, 'access-control-request-method') ?? '';
  const { names } = requestedHeaders(headerOf(request.headers, 'access-control-request-headers') ?? null);
  if (browser === 'chrome' && isSafelistedMethod(method)) {
    // Safari repeats the names of the first preflight, even of headers that the redirect removed.
    const isRepeated =
      isAfterRedirect && hadPreflight && names.every((name) => REMOVED_BY_REDIRECT.has(name));
    if (isRepeated && leavesOrDrops(before, names))
      return { kind: 'not_sent', behaviour: 'preflight_after_redirect' };
    if (names.length > 0 && names.every((name) => CLIENT_HINTS.has(name))) {
      const headers = exchanges[index + 1]?.request.headers;
      const isShown = names.every((name) => headerOf(headers, name) !== undefined);
      const isNeeded = unsafeNamesIn('chrome', headers ?? []).some((name) => CLIENT_HINTS.has(name));
      if (!isShown) return { kind: 'perhaps_not_sent', behaviour: 'client_hint_preflight' };
      if (!isNeeded) return { kind: 'not_sent', behaviour: 'client_hint_preflight' };
    }
  }
  const sent = headerOf(request.headers, 'origin');
  const wanted = browser === 'firefox' ? pageOrigin : expectedOrigin;
  if (sent !== undefined && wanted !== undefined && expectedOrigin === 'null' && sent !== wanted) {
    return { kind: 'origin', origin: wanted, behaviour: 'origin_of_redirected_preflight' };
  }
  return undefined;
}

/** Headers that a browser removes at a redirect: of the body, or when the origin changes. */
const REMOVED_BY_REDIRECT: ReadonlySet<string> = new Set(['authorization', 'content-type']);

/** Whether none of the requested headers is sent after the last redirect. */
function leavesOrDrops(before: readonly RecordedExchange[], names: readonly string[]): boolean {
  const last = before.at(-1);
  const target = headerOf(last?.response.headers, 'location');
  if (last === undefined || target === undefined || !URL.canParse(last.request.url))
    return names.length === 0;
  const leaves =
    URL.canParse(target, last.request.url) &&
    new URL(target, last.request.url).origin !== new URL(last.request.url).origin;
  const losesBody = last.request.method !== 'GET' && last.request.method !== 'HEAD';
  return names.every((name) => (name === 'authorization' ? leaves : losesBody));
}

function clientHintDeviation({ headers, method }: RecordedExchange['request']): Deviation | undefined {
  const isCrossSite = ['cross-site', 'same-site'].includes(headerOf(headers, 'sec-fetch-site') ?? '');
  if (!isCrossSite || headerOf(headers, 'origin') === undefined || !isSafelistedMethod(method))
    return undefined;
  // Chrome itself sends `Save-Data: on` where the user wants to save data.
  const isSet = (headers ?? []).some(([name]) => {
    const lower = name.toLowerCase();
    return lower !== 'save-data' && CLIENT_HINTS.has(lower);
  });
  return isSet ? { kind: 'preflight_first', behaviour: 'client_hint_preflight' } : undefined;
}

/** The client hints that Chrome accepts without a preflight if their values are valid. */
const CLIENT_HINTS: ReadonlyMap<string, RegExp> = new Map([
  ['device-memory', /^\d+(\.\d+)?$/],
  ['downlink', /^\d+(\.\d+)?$/],
  ['dpr', /^\d+(\.\d+)?$/],
  ['ect', /^(slow-2g|2g|3g|4g)$/],
  ['rtt', /^\d+$/],
  ['save-data', /^on$/i],
  ['viewport-width', /^\d+$/],
  ['width', /^\d+$/],
]);

/** The header names that need a preflight in this browser, as in Access-Control-Request-Headers. */
export function unsafeNamesIn(browser: Browser, headers: HeaderList): readonly string[] {
  if (browser !== 'chrome') return unsafeRequestHeaderNames(headers);
  return unsafeRequestHeaderNames(
    headers.filter(([name, value]) => CLIENT_HINTS.get(name.toLowerCase())?.test(value) !== true),
  );
}

/** Whether a response is a redirect with a Location that is present but empty. */
export function hasEmptyLocation({ response }: RecordedExchange): boolean {
  return isRedirectStatus(response.status) && headerOf(response.headers, 'location')?.trim() === '';
}
