/**
 * An emulated ClickHouse server for tests and benchmarks on machines without one: the part of ClickHouse's
 * HTTP interface that `@clickhouse/client` uses, in front of the embedded engine (chdb). Not for production
 * data.
 *
 *     node test/support/clickhouse-server/main.ts --directory DIR [--port 8123] [--tls] [--users JSON]
 *
 * Supported as in a real server: concurrent statements, settings and parameters per request, users with
 * passwords and read-only ones, databases, gzip in both directions, any input format, status and code of
 * every exception, `kill -9` and restart on the same directory. Not supported: sessions, roles, cancelling,
 * clusters; several statements are not rejected. Responses are sent when they are complete.
 */
import { parseArgs } from 'node:util';
import { clockOffset } from '../clock-file.ts';
import { CERT, KEY } from '../tls.ts';
import { openEngine } from './engine.ts';
import { createServer, type User } from './server.ts';

// Each statement occupies a thread of the pool, and it is made when the first one runs.
process.env.UV_THREADPOOL_SIZE ??= '16';

const { values } = parseArgs({
  options: {
    directory: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8123' },
    /** With the certificate of test/support/tls.ts. */
    tls: { type: 'boolean', default: false },
    users: { type: 'string', default: '[{"name":"default","password":""}]' },
    /** How long an idle connection stays open; the server's own default. */
    'keep-alive-millis': { type: 'string', default: '10000' },
    /** Holds how far its clock is to be off, milliseconds; read again and again. */
    'clock-file': { type: 'string' },
    /** Ends when standard input is closed, that is when the process that started it has ended. */
    attached: { type: 'boolean', default: false },
  },
});
if (values.directory === undefined) throw new Error('--directory is missing');

const engine = await openEngine(values.directory, clockOffset(values['clock-file']));
const server = createServer({
  engine,
  users: JSON.parse(values.users) as User[],
  tls: values.tls ? { cert: CERT, key: KEY } : undefined,
  keepAliveMillis: Number(values['keep-alive-millis']),
});
const port = await server.listen(Number(values.port), values.host);
const scheme = values.tls ? 'https' : 'http';
console.log(`Stand-in for ClickHouse ${engine.version} at ${scheme}://${values.host}:${port}`);

if (values.attached) process.stdin.resume().once('close', () => process.exit());
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close().then(() => engine.close()));
}
