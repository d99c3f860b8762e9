import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

const HEAD = 'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const BODY = gzipSync(Buffer.from(' '.repeat(900_000))).subarray(0, -8);
const LARGE = Buffer.alloc(64 * 1024, ' ');

/** What a sender sends before it stalls. */
const STALLS: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'half a head': Buffer.from(HEAD),
  'a head': Buffer.from(`${HEAD}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n`),
  'most of a compressed body': Buffer.concat([
    Buffer.from(`${HEAD}Content-Encoding: gzip\r\nContent-Length: ${BODY.length + 8}\r\n\r\n`),
    BODY,
  ]),
  'some of a large body': Buffer.concat([Buffer.from(`${HEAD}Content-Length: 9000000\r\n\r\n`), LARGE]),
  'a request, and then nothing': Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'),
};

/** Longer than any round trip. */
const REOPEN_MILLIS = 200;

export interface StalledSenders {
  /** Those that are still connected. */
  open(): number;
  close(): void;
}

/** Opens connections that stall, in every way in turn; closed connections are reopened. */
export async function startStalledSenders(url: string, count: number): Promise<StalledSenders> {
  const port = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  const ways = Object.values(STALLS);
  let closed = false;
  const open = (way: Buffer): Socket => {
    const socket = connect(port, '127.0.0.1', () => socket.write(way));
    socket.on('error', () => {}).resume();
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      setTimeout(() => closed || open(way), REOPEN_MILLIS).unref();
    });
    return socket;
  };
  const opened = Array.from({ length: count }, (_, n) => open(ways[n % ways.length] ?? LARGE));
  await Promise.all(opened.map((socket) => socket.destroyed || once(socket, 'connect').catch(() => {})));
  return {
    open: () => sockets.size,
    close() {
      closed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
