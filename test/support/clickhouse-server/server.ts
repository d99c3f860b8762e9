import { randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, gzip, inflate, zstdDecompress } from 'node:zlib';
import { type Engine, Exception, type Outcome } from './engine.ts';
import { createFaults, type Fault } from './faults.ts';
import { statusOf } from './http-status.ts';
import { parseStatement } from './statement.ts';

export interface User {
  readonly name: string;
  readonly password: string;
  /** As the setting: 1 reads only, 2 may change settings as well. */
  readonly readonly?: 1 | 2;
}

export interface ServerOptions {
  readonly engine: Engine;
  readonly users: readonly User[];
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly keepAliveMillis: number;
}

/** The endpoint at which tests inject faults. */
export const FAULTS_PATH = '/stand-in/faults';

export function createServer({ engine, users, tls, keepAliveMillis }: ServerOptions) {
  const faults = createFaults();
  const options = { keepAliveTimeout: keepAliveMillis, requestTimeout: 0 };
  const server =
    tls === undefined ? createHttpServer(options, handle) : createHttpsServer({ ...options, ...tls }, handle);

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://server');
    // A disconnected client is not an error here; the statement is executed or not.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const queryId = url.searchParams.get('query_id') ?? randomUUID();
    response.setHeader('X-ClickHouse-Server-Display-Name', 'stand-in');
    response.setHeader('X-ClickHouse-Query-Id', queryId);
    response.setHeader('X-ClickHouse-Timezone', 'UTC');
    answer(request, response, url).catch((error: unknown) => {
      if (!(error instanceof Exception)) {
        console.error(error);
        response.destroy();
        return;
      }
      response.setHeader('X-ClickHouse-Exception-Code', error.code);
      response
        .writeHead(statusOf(error.code), { 'Content-Type': 'text/plain; charset=UTF-8' })
        .end(`Code: ${error.code}. DB::Exception: ${error.message} (version ${engine.version})\n`);
    });
  }

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (url.pathname === FAULTS_PATH) return control(request, response);
    if (url.pathname === '/ping') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=UTF-8' }).end('Ok.\n');
      return;
    }
    if (url.pathname !== '/') {
      response.writeHead(404).end(`There is no handle ${url.pathname}\n`);
      return;
    }
    const user = authenticate(request, url.searchParams, users);
    const body = await bodyOf(request);
    const { fields, rest } = await fieldsOf(request, url.searchParams, body);
    const statement = parseStatement(fields, rest, {
      readonly: user.readonly ?? (request.method === 'GET' ? 2 : 0),
    });
    const found = faults.take(statement.text);
    for (const fault of found) if (fault.kind === 'slow') await delay(fault.millis);
    if (has(found, 'cut')) return void response.destroy();
    for (const fault of found) if (fault.kind === 'exception') throw exceptionOf(fault);

    const started = process.hrtime.bigint();
    const outcome = await engine.run(statement);
    if (has(found, 'lose_answer')) return void response.destroy();
    response.setHeader('X-ClickHouse-Summary', summary(outcome, process.hrtime.bigint() - started));
    response.setHeader('X-ClickHouse-Format', statement.format);
    await send(request, response, outcome.bytes, fields.get('enable_http_compression') === '1');
  }

  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') faults.add(JSON.parse((await buffer(request)).toString()) as Fault);
    if (request.method === 'DELETE') faults.mend();
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(faults.list()));
  }

  return {
    /** Resolves with the port. */
    async listen(port: number, host: string): Promise<number> {
      server.listen(port, host);
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    async close(): Promise<void> {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

function has(faults: readonly Fault[], kind: Fault['kind']): boolean {
  return faults.some((fault) => fault.kind === kind);
}

function exceptionOf({ code, message }: Extract<Fault, { kind: 'exception' }>): Exception {
  return new Exception(code, message ?? 'This is a fault that a test asked for. (FAULT_INJECTED)');
}

/** By header fields, Basic authentication or parameters, in the server's own order. */
function authenticate(request: IncomingMessage, parameters: URLSearchParams, users: readonly User[]): User {
  const { headers } = request;
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const [basicName, ...basicPassword] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':');
  const name = headers['x-clickhouse-user'] ?? (basic && basicName) ?? parameters.get('user') ?? 'default';
  const password =
    headers['x-clickhouse-key'] ?? (basic && basicPassword.join(':')) ?? parameters.get('password') ?? '';
  const user = users.find((candidate) => candidate.name === name);
  if (user === undefined || !equal(user.password, String(password))) {
    throw new Exception(
      516,
      `${String(name)}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
    );
  }
  return user;
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const body = await buffer(request);
  switch (request.headers['content-encoding']) {
    case undefined:
      return body;
    case 'gzip':
      return promisify(gunzip)(body);
    case 'deflate':
      return promisify(inflate)(body);
    case 'br':
      return promisify(brotliDecompress)(body);
    case 'zstd':
      return promisify(zstdDecompress)(body);
    default:
      throw new Exception(48, 'Unknown compression method. (NOT_IMPLEMENTED)');
  }
}

/** Parameters of the URL; a multipart body has more of them instead of a statement. */
async function fieldsOf(
  request: IncomingMessage,
  parameters: URLSearchParams,
  body: Buffer,
): Promise<{ fields: Map<string, string>; rest: Buffer }> {
  const fields = new Map(parameters);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return { fields, rest: body };
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  for (const [name, value] of form) fields.set(name, String(value));
  return { fields, rest: Buffer.alloc(0) };
}

function summary(outcome: Outcome, nanoseconds: bigint): string {
  return JSON.stringify({
    read_rows: String(outcome.readRows),
    read_bytes: String(outcome.readBytes),
    written_rows: String(outcome.writtenRows),
    written_bytes: String(outcome.writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(outcome.writtenRows),
    result_bytes: String(outcome.writtenBytes),
    elapsed_ns: String(nanoseconds),
  });
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  compress: boolean,
): Promise<void> {
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  if (compress && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    response.setHeader('Content-Encoding', 'gzip');
    // The server's own default level.
    response.end(await promisify(gzip)(bytes, { level: 3 }));
  } else {
    response.end(bytes);
  }
}
