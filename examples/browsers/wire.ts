import { request } from 'node:http';
import type { Headers } from './fetch-algorithm.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
}

/**
 * Sends one request over a new socket and reads the complete response. Every `*.localhost` is this machine,
 * as in browsers.
 *
 * @throws Error when the connection fails
 */
export function send(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: url.port,
        method,
        path: url.pathname + url.search,
        headers: { host: url.host, ...headers, ...(body !== undefined && { 'content-length': body.length }) },
        agent: false,
      },
      (response) => {
        const { rawHeaders } = response;
        const pairs = Array.from(
          { length: rawHeaders.length / 2 },
          (_, index) => [rawHeaders[index * 2] ?? '', rawHeaders[index * 2 + 1] ?? ''] as const,
        );
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: pairs }));
        response.resume();
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
