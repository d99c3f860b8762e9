import { AsyncResource } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readHeaderBlock, readRawHeaders } from '../fetch-standard/header-list.ts';
import { guard } from '../guard.ts';
import { expressRoute } from './express-route.ts';
import { nextRoute } from './next-route.ts';
import { addPendingExchange, type PendingExchange, pendingExchange } from './pending-exchange.ts';
import type { ServedExchange } from './served-exchange.ts';

/** The message of both channels. */
interface ServerMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Reports the exchanges of HTTP/1.1 servers (including HTTPS) in this thread when their response headers
 * are written, not when the response ends: an event stream may never finish, and an aborted response only
 * closes.
 *
 * @returns a function that unsubscribes
 */
export function watchHttp1(report: (served: ServedExchange) => void): () => void {
  const reportOnce = guard(
    'Reading a response',
    ({ request, response }: ServerMessage) => {
      const pending = pendingExchange(request);
      if (pending === undefined) return;
      pending.isReported = true;
      report(servedExchange(request, response, pending));
    },
    undefined,
  );
  const awaitHeaders = guard(
    'Watching a request',
    (message: ServerMessage) => {
      addPendingExchange(message.request, message.request.url ?? '/');
      wrapWriteHead(message, reportOnce);
    },
    undefined,
  );

  const onStart = (message: unknown) => {
    // Most requests carry no Origin; this check is all they cost.
    if (!hasOrigin((message as ServerMessage).request.rawHeaders)) return;
    awaitHeaders(message as ServerMessage);
  };
  // For frameworks that bypass the instance's `writeHead`.
  const onFinish = (message: unknown) => {
    if (pendingExchange((message as ServerMessage).request) !== undefined)
      reportOnce(message as ServerMessage);
  };
  subscribe('http.server.request.start', onStart);
  subscribe('http.server.response.finish', onFinish);
  return () => {
    unsubscribe('http.server.request.start', onStart);
    unsubscribe('http.server.response.finish', onFinish);
  };
}

/** Reading `headers` would make Node parse all of them, which many applications never need. */
function hasOrigin(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 6 && name.toLowerCase() === 'origin') return true;
  }
  return false;
}

/**
 * Every response passes through the instance's `writeHead`, also with implicit headers. It is reported once
 * its turn comes: a client may send requests without waiting (pipelining), and whatever follows a response
 * with `Connection: close` is never sent.
 */
function wrapWriteHead(message: ServerMessage, onWritten: (message: ServerMessage) => void): void {
  const { response } = message;
  const { writeHead } = response;
  const reportSent = () => {
    // Otherwise the client has disconnected, or is not answered any more.
    if (!response.destroyed && response.socket?.writable === true) onWritten(message);
  };
  response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    const result = Reflect.apply(writeHead, this, args);
    if (response.socket === null) response.once('socket', AsyncResource.bind(reportSent));
    else reportSent();
    return result;
  } as typeof writeHead;
}

function servedExchange(
  request: IncomingMessage,
  response: ServerResponse,
  { url, route, declaredRoute }: PendingExchange,
): ServedExchange {
  const { socket } = request;
  // The rendered header block: `getHeader()` misses headers that were passed only to `writeHead`.
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
    // Next.js may run below Express, whose route is then a catch-all.
    route: route ?? nextRoute(request) ?? expressRoute(request),
    declaredRoute,
    raw: request,
  };
}
