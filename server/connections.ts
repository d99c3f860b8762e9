import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Timeouts of a Fastify server against slow or stalled clients. */
export const CONNECTION_TIMEOUTS = {
  /** From the first byte of a request to its last. */
  requestTimeout: 15_000,
  http: {
    /** From the start of the connection, or from the previous response, to the end of the headers. */
    headersTimeout: 5_000,
    /** How often both are checked. */
    connectionsCheckingInterval: 1_000,
  },
} as const;

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  // Not 408: OTLP exporters retry 503, but drop what they sent after 408
  // (https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes).
  ERR_HTTP_REQUEST_TIMEOUT: '503 Service Unavailable\r\nRetry-After: 1',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** Responds to a request that is malformed or does not arrive in time, and closes its connection. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.writable) {
    const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }
  socket.destroy(error);
}

export interface ConnectionLimit {
  /** At once. */
  readonly most: number;
  /** Called for every connection that was closed to make room. */
  readonly closed?: () => void;
}

/** How long a pending response, or one that the client does not read, keeps a connection from being closed. */
const ANSWER_MILLIS = 30_000;

/**
 * Accepts every new connection; when there are too many, closes the one that has waited longest for its client.
 * A plain limit would let idle connections lock out all others.
 */
export function limitConnections(server: Server, { most, closed }: ConnectionLimit): void {
  /** Least recently active first, with the time since when a response is pending. */
  const connections = new Map<Socket, number | undefined>();

  const moved = (socket: Socket, answeringSince?: number): void => {
    if (connections.delete(socket)) connections.set(socket, answeringSince);
  };

  const closable = (): Socket | undefined => {
    const before = performance.now() - ANSWER_MILLIS;
    for (const [socket, since] of connections) if (since === undefined || since < before) return socket;
    return undefined;
  };

  server.on('connection', (socket) => {
    connections.set(socket, undefined);
    socket.once('close', () => connections.delete(socket));
    if (connections.size <= most) return;
    const longest = closable() ?? socket;
    connections.delete(longest);
    longest.destroy();
    closed?.();
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    let answered = false;
    // It closes once the response has been read.
    request.once('close', () => answered || moved(socket, performance.now()));
    response.once('close', () => {
      answered = true;
      moved(socket);
    });
  });
}
