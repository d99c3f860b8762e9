import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How long connections of a Fastify server may take for what others would not wait for. */
export const CONNECTION_TIMEOUTS = {
  /** From the first byte of a request to its last. */
  requestTimeout: 15_000,
  http: {
    /** From the connection, or from the answer before, to the end of the head. */
    headersTimeout: 5_000,
    /** How often both are looked at. */
    connectionsCheckingInterval: 1_000,
  },
} as const;

export interface ConnectionLimit {
  /** At once. */
  readonly most: number;
  /** Told of every connection that was closed to make room. */
  readonly closed?: () => void;
}

/** How long an answer that is worked on, or not read by its sender, keeps a connection from being closed. */
const ANSWER_MILLIS = 30_000;

/**
 * A new connection is always taken; when there are too many, the one that has waited for its sender for longest is
 * closed instead. A mere limit would let idle connections lock out all others.
 */
export function limitConnections(server: Server, { most, closed }: ConnectionLimit): void {
  /** In the order in which something last became of them, with the time from which an answer is worked on. */
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
    // It closes when all of it was read.
    request.once('close', () => answered || moved(socket, performance.now()));
    response.once('close', () => {
      answered = true;
      moved(socket);
    });
  });
}
