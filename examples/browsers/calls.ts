import type { FetchCall } from './browser.ts';

/** The URLs of the demo's services, by name. */
export type ServiceUrls = Readonly<Record<'catalog' | 'accounts' | 'search', string>>;

/** A call of a page: `fetch(path, init)` to a service. */
export interface PageCall {
  readonly from: string;
  readonly to: keyof ServiceUrls;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credentials?: 'include';
}

const EVERYDAY_BETWEEN = 4;

const JSON_BODY = { 'content-type': 'application/json' };
const TRACED = { ...JSON_BODY, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

/** The calls that work, which are most. */
function everydayCalls(): PageCall[] {
  const shops = ['https://shop.example', 'https://www.shop.example', 'https://admin.shop.example'];
  return [
    ...shops.flatMap((from): PageCall[] => [
      { from, to: 'catalog', path: '/products', credentials: 'include' },
      { from, to: 'catalog', path: '/products/17' },
      { from, to: 'catalog', path: '/stock', headers: { accept: 'text/event-stream' } },
      { from, to: 'catalog', path: '/cart', method: 'POST', headers: JSON_BODY, credentials: 'include' },
      { from, to: 'catalog', path: '/cart/17', method: 'PUT', headers: JSON_BODY, credentials: 'include' },
      { from, to: 'search', path: '/search/products?q=lamp' },
    ]),
    ...['https://shop.example', 'https://account.shop.example'].flatMap((from): PageCall[] => [
      {
        from,
        to: 'accounts',
        path: '/account/login',
        method: 'POST',
        headers: JSON_BODY,
        credentials: 'include',
      },
      { from, to: 'accounts', path: '/account/profile', credentials: 'include' },
      { from, to: 'search', path: '/search/query', method: 'POST', headers: JSON_BODY },
    ]),
    { from: 'https://outlet.shop.example', to: 'catalog', path: '/products', credentials: 'include' },
    { from: 'https://widgets.example', to: 'search', path: '/reviews/17' },
    { from: 'https://shop.example', to: 'search', path: '/reviews/17', method: 'PATCH', headers: JSON_BODY },
    { from: 'capacitor://localhost', to: 'search', path: '/search/latest' },
  ];
}

/** The calls that are blocked, each for a different reason. */
function blockedCalls(): PageCall[] {
  return [
    // Origins that are on no list: wrong scheme, port, subdomain; a look-alike; a sandboxed frame.
    { from: 'http://shop.example', to: 'catalog', path: '/products' },
    { from: 'https://shop.example:8443', to: 'catalog', path: '/products' },
    {
      from: 'https://staging.shop.example',
      to: 'catalog',
      path: '/cart',
      method: 'POST',
      headers: JSON_BODY,
    },
    { from: 'https://sh0p.example', to: 'catalog', path: '/products', credentials: 'include' },
    { from: 'null', to: 'catalog', path: '/products' },
    { from: 'capacitor://localhost', to: 'accounts', path: '/account/profile', credentials: 'include' },
    // A tracing library was rolled out, but its header was not allowed; the main shop is the busiest.
    { from: 'https://shop.example', to: 'catalog', path: '/cart', method: 'POST', headers: TRACED },
    { from: 'https://shop.example', to: 'catalog', path: '/cart', method: 'POST', headers: TRACED },
    { from: 'https://www.shop.example', to: 'catalog', path: '/cart', method: 'POST', headers: TRACED },
    { from: 'https://partner.example', to: 'catalog', path: '/partners/feed' },
    {
      from: 'https://admin.shop.example',
      to: 'catalog',
      path: '/orders',
      headers: { authorization: 'Bearer a' },
    },
    { from: 'https://www.shop.example', to: 'catalog', path: '/v1/cart', method: 'POST', headers: JSON_BODY },
    {
      from: 'https://shop.example',
      to: 'accounts',
      path: '/account/profile',
      method: 'PUT',
      headers: JSON_BODY,
      credentials: 'include',
    },
    {
      from: 'https://account.shop.example',
      to: 'accounts',
      path: '/account/addresses/4',
      method: 'DELETE',
      credentials: 'include',
    },
    { from: 'https://widgets.example', to: 'accounts', path: '/widget/session', credentials: 'include' },
    { from: 'https://shop.example', to: 'accounts', path: '/beta/recommendations', credentials: 'include' },
    { from: 'https://shop.example', to: 'search', path: '/images/lamp.gif' },
    { from: 'https://docs.example', to: 'search', path: '/export' },
    { from: 'https://docs.example', to: 'search', path: '/downloads/manual.pdf' },
    {
      from: 'https://widgets.example',
      to: 'search',
      path: '/events/click',
      method: 'POST',
      headers: JSON_BODY,
    },
    { from: 'https://admin.shop.example', to: 'search', path: '/admin/index', method: 'PUT' },
    { from: 'https://admin.shop.example', to: 'search', path: '/admin/keys', headers: { 'x-api-key': 'k' } },
    {
      from: 'https://admin.shop.example',
      to: 'search',
      path: '/search/query',
      method: 'DELETE',
      credentials: 'include',
    },
  ];
}

/** The calls of pages, in turn: each blocked one among several everyday ones. */
export function deck(): PageCall[] {
  const everyday = everydayCalls();
  const between = (index: number): PageCall[] =>
    Array.from({ length: EVERYDAY_BETWEEN }, (_, offset) => index * EVERYDAY_BETWEEN + offset)
      .map((position) => everyday[position % everyday.length])
      .filter((call) => call !== undefined);
  return blockedCalls().flatMap((blocked, index) => [...between(index), blocked]);
}

/** The calls of real pages: on localhost, which a browser resolves without DNS. */
export function realPageCalls(pagesPort: number): PageCall[] {
  const shop = `http://shop.localhost:${pagesPort}`;
  const account = `http://account.localhost:${pagesPort}`;
  const docs = `http://docs.localhost:${pagesPort}`;
  return [
    { from: shop, to: 'catalog', path: '/products', credentials: 'include' },
    {
      from: shop,
      to: 'catalog',
      path: '/cart/17',
      method: 'PUT',
      headers: JSON_BODY,
      credentials: 'include',
    },
    { from: shop, to: 'catalog', path: '/cart', method: 'POST', headers: TRACED },
    { from: shop, to: 'catalog', path: '/v1/cart', method: 'POST', headers: JSON_BODY },
    { from: shop, to: 'catalog', path: '/partners/feed' },
    { from: shop, to: 'search', path: '/search/products?q=lamp' },
    { from: shop, to: 'search', path: '/events/click', method: 'POST', headers: JSON_BODY },
    { from: account, to: 'accounts', path: '/account/profile', credentials: 'include' },
    {
      from: account,
      to: 'accounts',
      path: '/account/profile',
      method: 'PUT',
      headers: JSON_BODY,
      credentials: 'include',
    },
    { from: account, to: 'accounts', path: '/widget/session', credentials: 'include' },
    { from: account, to: 'accounts', path: '/beta/recommendations', credentials: 'include' },
    { from: docs, to: 'catalog', path: '/products' },
    { from: docs, to: 'catalog', path: '/orders', headers: { authorization: 'Bearer a' } },
    { from: docs, to: 'search', path: '/export' },
    { from: docs, to: 'search', path: '/images/lamp.gif' },
    { from: docs, to: 'search', path: '/downloads/manual.pdf' },
    { from: docs, to: 'search', path: '/admin/keys', headers: { 'x-api-key': 'k' } },
    { from: docs, to: 'search', path: '/admin/index', method: 'PUT' },
  ];
}

/** The fetch call of a page call. */
export function fetchCall(call: PageCall, services: ServiceUrls): FetchCall {
  const method = call.method ?? 'GET';
  return {
    url: new URL(call.path, services[call.to]),
    mode: 'cors',
    method,
    headers: call.headers ?? {},
    credentials: call.credentials ?? 'same-origin',
    ...(method === 'POST' || method === 'PUT' || method === 'PATCH' ? { body: '{}' } : {}),
  };
}
