import type { Browser } from './browser.ts';
import type { ServiceUrls } from './calls.ts';
import { send } from './wire.ts';

/**
 * Traffic that is not CORS although some of it has an Origin: none of it may be counted. Each call does one
 * of these.
 */
export function noise(browser: Browser, services: ServiceUrls): (() => Promise<unknown>)[] {
  const catalog = (path: string): URL => new URL(path, services.catalog);
  const plain = { headers: {}, credentials: 'same-origin' } as const;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  return [
    // The service's own page: a POST has its Origin.
    () =>
      browser.fetch(services.catalog, {
        ...plain,
        url: catalog('/cart'),
        mode: 'cors',
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      }),
    () =>
      browser.fetch(services.catalog, { ...plain, url: catalog('/products'), mode: 'cors', method: 'GET' }),
    // A beacon and an image of another site.
    () =>
      browser.fetch('http://shop.localhost:1', {
        ...plain,
        url: catalog('/clicks'),
        mode: 'no-cors',
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: 'click',
      }),
    () =>
      browser.fetch('https://widgets.example', {
        ...plain,
        url: new URL('/images/lamp.gif', services.search),
        mode: 'no-cors',
        method: 'GET',
      }),
    // A newsletter form on another site.
    () =>
      browser.navigate('http://shop.localhost:1', {
        ...plain,
        url: catalog('/newsletter'),
        mode: 'no-cors',
        method: 'POST',
        headers: form,
        body: 'mail=ada',
      }),
    // Blocked by the browser before anything is sent.
    () =>
      browser.fetch('https://shop.example', {
        ...plain,
        url: catalog('/products'),
        mode: 'same-origin',
        method: 'GET',
      }),
    // Not a browser at all.
    () => send(catalog('/products'), 'GET', { accept: '*/*', 'user-agent': 'curl/8.16.0' }),
    () => send(catalog('/cart'), 'POST', { ...form, 'user-agent': 'curl/8.16.0' }, 'a=1'),
    () => send(catalog('/products'), 'OPTIONS', { 'user-agent': 'curl/8.16.0' }),
  ];
}
