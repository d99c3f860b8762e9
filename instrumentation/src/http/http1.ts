import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readHeaderBlock, readRawHeaders } from '../fetch-standard/header-list.ts';
import { guard } from '../guard.ts';
import { expressRoute } from './express-route.ts';
import type { ServedExchange } from './served-exchange.ts';

/** One exchange under way. Framework hooks write the route here when they learn it. */
export interface PendingExchange {
  route: string | undefined;
  /** Reports the exchange, the first time that it is called. */
  settle(): void;
}

const PENDING = Symbol('originscope.cors.pending');

interface ObservedRequest extends IncomingMessage {
  [PENDING]?: PendingExchange;
}

interface ServerMessage {
  readonly request: ObservedRequest;
  readonly response: ServerResponse;
}

/** The exchange of a request that carried an `Origin`; undefined for all others. */
export function pendingExchange(request: IncomingMessage): PendingExchange | undefined {
  return (request as ObservedRequest)[PENDING];
}

/**
 * Reports the exchanges of HTTP/1.1 servers (HTTPS too) in this thread when their response's headers are
 * written: an open event stream never finishes, an aborted response only closes.
 *
 * @returns ends the subscription
 */
export function watchHttp1(report: (served: ServedExchange) => void): () => void {
  const settle = guard(
    'Reading a response',
    (...exchange: Parameters<typeof servedExchange>) => report(servedExchange(...exchange)),
    undefined,
  );
  const onStart = guard(
    'Watching a request',
    (message: unknown) => {
      const { request, response } = message as ServerMessage;
      if (request.headers.origin === undefined) return;
      request[PENDING] = awaitHeaders(request, response, settle);
    },
    undefined,
  );
  // Reached by responses whose `writeHead` was called around our own one.
  const onFinish = (message: unknown) => (message as ServerMessage).request[PENDING]?.settle();

  subscribe('http.server.request.start', onStart);
  subscribe('http.server.response.finish', onFinish);
  return () => {
    unsubscribe('http.server.request.start', onStart);
    unsubscribe('http.server.response.finish', onFinish);
  };
}

function awaitHeaders(
  request: IncomingMessage,
  response: ServerResponse,
  settle: (...exchange: Parameters<typeof servedExchange>) => void,
): PendingExchange {
  // Routers rewrite it on the way to a handler.
  const url = request.url ?? '/';
  let isSettled = false;
  const pending: PendingExchange = {
    route: undefined,
    settle() {
      if (isSettled) return;
      isSettled = true;
      settle(request, response, url, pending.route);
    },
  };
  // Every way of answering ends in this instance's `writeHead`, also implicit headers. The block that it
  // renders is the only place that shows the headers given to `writeHead` and repeated ones as they are sent.
  const writeHead = response.writeHead;
  response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    const result = Reflect.apply(writeHead, this, args);
    // Nobody is told anything any more once the client has gone.
    if (!response.destroyed) pending.settle();
    return result;
  } as typeof writeHead;
  return pending;
}

function servedExchange(
  request: IncomingMessage,
  response: ServerResponse,
  url: string,
  route: string | undefined,
): ServedExchange {
  const { socket } = request;
  const block: unknown = Reflect.get(response, '_header');
  return {
    method: request.method ?? '',
    url,
    requestHeaders: readRawHeaders(request.rawHeaders),
    status: response.statusCode,
    responseHeaders: readHeaderBlock(typeof block === 'string' ? block : ''),
    responseHeadersCaptured: typeof block === 'string',
    authority: request.headers.host,
    isEncrypted: 'encrypted' in socket && socket.encrypted === true,
    remoteAddress: socket.remoteAddress,
    route: route ?? expressRoute(request),
    raw: request,
  };
}
