import { trace } from '@opentelemetry/api';
import { activeObserver, startObserver } from './active.ts';
import { readHeaderList } from './fetch-standard/header-list.ts';
import { guard } from './guard.ts';
import type { ServedExchange } from './http/served-exchange.ts';
import { resolveOptions } from './options.ts';

/** What a fetch-style handler may know beside request and response. */
export interface FetchDetails {
  /** The route template. */
  readonly route?: string | undefined;
  /** The client's address, as the platform tells it; only its network's place in a bitmap is kept. */
  readonly clientAddress?: string | undefined;
}

/**
 * Observes an exchange that no `node:http` server of this thread serves: fetch-style and serverless handlers.
 * Options are those of the active `CorsInstrumentation`, else of the environment. Never throws.
 *
 * @returns the response, so that a handler can end with it
 */
export function observe(request: Request, response: Response, details: FetchDetails = {}): Response {
  observeFetch(request, response, details);
  return response;
}

/**
 * Sends what this thread's observer has pending; a function calls it before it is frozen.
 *
 * @param timeoutMillis how long to wait at most
 */
export async function flush(timeoutMillis?: number): Promise<void> {
  await activeObserver()?.flush(timeoutMillis);
}

const observeFetch = guard(
  'Observing a fetch-style handler',
  (request: Request, response: Response, details: FetchDetails) => {
    if (!request.headers.has('origin')) return;
    const observer =
      activeObserver() ?? startObserver(resolveOptions({}, process.env), trace.getTracerProvider());
    observer.observe(servedExchange(request, response, details));
  },
  undefined,
);

function servedExchange(request: Request, response: Response, details: FetchDetails): ServedExchange {
  const url = new URL(request.url);
  return {
    method: request.method,
    url: request.url,
    requestHeaders: readHeaderList([...request.headers]),
    status: response.status,
    responseHeaders: readHeaderList([...response.headers]),
    responseHeadersCaptured: true,
    authority: url.host,
    isEncrypted: url.protocol === 'https:',
    remoteAddress: details.clientAddress,
    route: details.route,
    raw: request,
  };
}
