import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { readRawHeaders } from '../fetch-standard/header-list.ts';
import { guard } from '../guard.ts';
import { addPendingExchange, type PendingExchange, pendingExchange } from './pending-exchange.ts';
import type { ServedExchange } from './served-exchange.ts';

/** `headers` are those of the request on `start` and those of the response on `finish`. */
interface StreamMessage {
  readonly stream: ServerHttp2Stream & { [REQUEST_HEADERS]?: IncomingHttpHeaders };
  readonly headers: IncomingHttpHeaders;
}

const REQUEST_HEADERS = Symbol('originscope.cors.request-headers');

/**
 * Reports the exchanges of HTTP/2 servers in this thread, for streams and the compatibility API, when their
 * response headers are sent. Node 20 lacks these channels; nothing is reported there.
 *
 * @returns a function that unsubscribes
 */
export function watchHttp2(report: (served: ServedExchange) => void): () => void {
  const onStart = (message: unknown) => {
    const { stream, headers } = message as StreamMessage;
    if (headers.origin === undefined) return;
    stream[REQUEST_HEADERS] = headers;
    addPendingExchange(stream, headers[':path'] ?? '/');
  };
  // `respond()` publishes `finish`; `respondWithFile()` publishes only `close`.
  const onResponse = guard(
    'Reading an HTTP/2 response',
    (message: unknown) => {
      const { stream } = message as StreamMessage;
      const pending = pendingExchange(stream);
      const headers = stream[REQUEST_HEADERS];
      if (pending === undefined || headers === undefined || stream.sentHeaders === undefined) return;
      pending.isReported = true;
      report(servedExchange(stream, headers, stream.sentHeaders, pending));
    },
    undefined,
  );

  subscribe('http2.server.stream.start', onStart);
  subscribe('http2.server.stream.finish', onResponse);
  subscribe('http2.server.stream.close', onResponse);
  return () => {
    unsubscribe('http2.server.stream.start', onStart);
    unsubscribe('http2.server.stream.finish', onResponse);
    unsubscribe('http2.server.stream.close', onResponse);
  };
}

function servedExchange(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  sent: OutgoingHttpHeaders,
  { url, route, declaredRoute }: PendingExchange,
): ServedExchange {
  return {
    method: headers[':method'] ?? '',
    url,
    requestHeaders: readRawHeaders(flatten(headers)),
    status: Number(sent[':status']),
    responseHeaders: readRawHeaders(flatten(sent)),
    responseHeadersCaptured: true,
    authority: headers[':authority'] ?? headers.host,
    isEncrypted: stream.session?.encrypted === true,
    remoteAddress: stream.session?.socket.remoteAddress,
    route,
    declaredRoute,
    raw: stream,
  };
}

/** Converts to the shape of `rawHeaders`: names as spelled, repeated headers separate. */
function flatten(headers: OutgoingHttpHeaders): string[] {
  const raw: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const single of Array.isArray(value) ? value : [value]) raw.push(name, String(single));
  }
  return raw;
}
