import { trace } from '@opentelemetry/api';
import { activeObserver, startObserver } from './active.ts';
import { readHeaderList } from './fetch-standard/header-list.ts';
import { guard } from './guard.ts';
import type { ServedExchange } from './http/served-exchange.ts';
import { resolveOptions } from './options.ts';

/** What a fetch-style handler may know in addition to request and response. */
export interface FetchDetails {
  /** The route template. */
  readonly route?: string | undefined;
  /** The client's address according to the platform; only a hash of its network is kept. */
  readonly clientAddress?: string | undefined;
}

/**
 * Observes an exchange that no `node:http` server of this thread serves: fetch-style and serverless
 * handlers. Uses the options of the active `CorsInstrumentation`, else those of the environment. Never
 * throws.
 *
 * @returns `response`, for use in a return statement
 */
export function observe(request: Request, response: Response, details: FetchDetails = {}): Response {
  observeFetch(request, response, details);
  return response;
}

/**
 * Sends this thread's pending spans; call it before a function is frozen.
 *
 * @param timeoutMillis maximum time to wait
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
