import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { nativeBlock, nativeSize } from './native-block.ts';

export interface ClickHouseDoor {
  readonly url: string;
  /** Rows of inserts of the Collector, so far. */
  readonly collectorRows: number;
  /** Bytes of the spans' inserts, of whomever, so far. */
  readonly insertedBytes: number;
  /** When the last of them was answered; milliseconds of `performance`. */
  readonly lastInsert: number;
  close(): Promise<void>;
}

/** The tables that spans go into: ours, and the Collector's. */
const SPAN_INSERT = /^\s*INSERT\s+INTO\s+\S*?(decision_spans|blocked_spans|otel_traces)\b/i;
const HELLO = /^SELECT displayName\(\), version\(\), revision\(\), timezone\(\)/;
/** A protocol revision in which columns say how they are serialised; clickhouse-go reads answers in it. */
const REVISION = 54_460;

/**
 * A proxy in front of the emulated ClickHouse server, used by both sides of the comparison. It answers what
 * clickhouse-go needs beyond the emulated server: the greeting, and the columns of a table, in Native
 * blocks of the TCP protocol's revision. With `discard`, inserts of spans are read and discarded, so that
 * only the pipelines before it are compared.
 *
 * @param server URL of the emulated server
 */
export async function openDoor(server: string, options: { discard: boolean }): Promise<ClickHouseDoor> {
  let collectorRows = 0;
  let insertedBytes = 0;
  let lastInsert = 0;
  const described = new Map<string, Promise<Buffer>>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams } = new URL(request.url ?? '/', server);
    const goClient = searchParams.has('client_protocol_version');
    const inUrl = searchParams.get('query');
    const body = await buffer(request);
    const statement = inUrl ?? body.subarray(0, 4096).toString('latin1');
    if (goClient && HELLO.test(statement)) return void response.end(GREETING);
    const table = goClient ? /^DESCRIBE TABLE (\S+)$/.exec(statement)?.[1] : undefined;
    if (table !== undefined) {
      const columns = described.get(table) ?? describe(server, table);
      described.set(table, columns);
      return void response.end(await columns);
    }
    if (SPAN_INSERT.test(statement)) {
      insertedBytes += body.length;
      response.once('finish', () => {
        if (goClient) collectorRows += nativeSize(body).rows;
        lastInsert = performance.now();
      });
      if (options.discard) return void response.end();
    }
    forward(request, body, response);
  }

  function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { 'transfer-encoding': _, ...headers } = request.headers;
    send(
      new URL(request.url ?? '/', server),
      { method: request.method, headers: { ...headers, 'content-length': body.length } },
      (answered) => {
        response.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(response);
      },
    )
      .on('error', () => response.destroy())
      .end(body);
  }

  const door = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // A client that disconnected retries.
      if (!request.readableAborted) console.error(error);
      response.destroy();
    });
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  return {
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    get collectorRows() {
      return collectorRows;
    },
    get insertedBytes() {
      return insertedBytes;
    },
    get lastInsert() {
      return lastInsert;
    },
    async close() {
      door.closeAllConnections();
      door.close();
      await once(door, 'close');
    },
  };
}

const GREETING = nativeBlock([
  ['displayName()', 'String', ['stand-in']],
  ['version()', 'String', ['26.7.2.1']],
  ['revision()', 'UInt32', [REVISION]],
  ['timezone()', 'String', ['UTC']],
]);

/** What DESCRIBE TABLE answers, as clickhouse-go reads it: seven columns of text. */
async function describe(server: string, table: string): Promise<Buffer> {
  const response = await fetch(server, {
    method: 'POST',
    body: `DESCRIBE TABLE ${table} FORMAT JSONCompact`,
  });
  if (!response.ok) throw new Error(await response.text());
  const { meta, data } = (await response.json()) as { meta: { name: string }[]; data: string[][] };
  return nativeBlock(meta.map(({ name }, index) => [name, 'String', data.map((row) => row[index] ?? '')]));
}
