import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { onTestFinished } from 'vitest';

interface Answer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** Listens on a free port until the test ends; returns the base URL. */
export async function listen(server: Server, scheme: 'http' | 'https' = 'http'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Sends one HTTP/1.1 request with exactly these headers, which `fetch` would not; returns the response as
 * text.
 */
export function ask(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string | string[]> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestSecure : requestPlain;
    const outgoing = request(
      url,
      { method, headers, agent: false, rejectUnauthorized: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const ORIGIN = 'https://shop.example';

/** The headers of a browser's cross-site request. */
export function crossOrigin(origin = ORIGIN): Record<string, string> {
  return { origin, 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site' };
}

/** A browser's preflight for the method and headers. */
export function preflight(
  requestMethod: string,
  requestHeaders = 'x-requested-with',
  origin = ORIGIN,
): { method: string; headers: Record<string, string> } {
  return {
    method: 'OPTIONS',
    headers: {
      ...crossOrigin(origin),
      'access-control-request-method': requestMethod,
      'access-control-request-headers': requestHeaders,
    },
  };
}
