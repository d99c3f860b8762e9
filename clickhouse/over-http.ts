import { Readable } from 'node:stream';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client';
import { codeOf, OriginscopeError } from '../core/errors.ts';
import type { Connector } from './connector.ts';
import type { Dialect } from './dialect.ts';
import { isCertificateProblem, isLoginProblem, isTransient } from './engine-errors.ts';
import { addressOf, type ServerLocation } from './location.ts';
import { type Insert, targetOf } from './rows.ts';
import { identifier } from './sql-text.ts';

const TIMEOUT_MILLIS = 60_000;
/** How many times longer a publication may take. */
const LONG_RUNNING_FACTOR = 10;

/**
 * @param options.createDatabase whether to create a missing database
 * @throws OriginscopeError as `openClickHouse`
 */
export async function serverConnector(
  location: ServerLocation,
  dialect: Dialect,
  options: { readonly createDatabase?: boolean },
): Promise<Connector> {
  const { origin, database } = addressOf(location.url);
  const { username, password, timeoutMillis = TIMEOUT_MILLIS, ca } = location;
  const common: ClickHouseClientConfigOptions = {
    url: origin,
    database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { tls: { ca_cert: Buffer.from(ca) } }),
    application: 'originscope',
    request_timeout: timeoutMillis,
    // Below the server's own timeout of idle connections (10 s; 3 s before 23.11), even if our timers are late:
    // a request on a connection that the server is closing fails.
    keep_alive: { idle_socket_ttl: 2_500, eagerly_destroy_stale_sockets: true },
    // Errors are thrown; the client's own log lines would repeat statements and settings.
    log: { level: ClickHouseLogLevel.OFF },
    // Responses only. Blocks are dictionaries and indexes already: gzip would take 0.6 s of CPU time for a
    // million rows, most of what encoding them costs, to save 100 MB within a data centre.
    compression: { response: true, request: false },
    // Foreign origins and services are parameters: in the URL they would appear in access logs, and could exceed
    // the URL length that proxies accept.
    use_multipart_params: true,
  };
  const unavailable = (cause: unknown) => serverUnavailable(`${origin}/${database}`, database, cause);

  const first = createClient(common);
  try {
    await first.command({ query: 'SELECT 1' }).catch(async (cause: unknown) => {
      if (codeOf(cause) !== UNKNOWN_DATABASE || options.createDatabase !== true) throw cause;
      await createDatabase(createClient({ ...common, database: 'default' }), database, dialect);
    });
  } catch (cause) {
    throw unavailable(cause);
  } finally {
    await first.close();
  }

  return {
    async connect(settings, mayTakeMinutes) {
      const client = createClient({
        ...common,
        request_timeout: mayTakeMinutes ? timeoutMillis * LONG_RUNNING_FACTOR : timeoutMillis,
        clickhouse_settings: settings,
      });
      return Object.assign(client, { insertRows: (rows: Insert) => insertBody(client, rows) });
    },
    unavailable,
  };
}

async function insertBody(client: ClickHouseClient, rows: Insert): Promise<void> {
  const { stream } = await client.exec({
    query: `INSERT INTO ${targetOf(rows)} FORMAT Native`,
    values: Readable.from([rows.block], { objectMode: false }),
  });
  // The response is empty; the connection is reusable once it has been read.
  await stream.resume().toArray();
}

const UNKNOWN_DATABASE = '81';
const READONLY = '164';

async function createDatabase(client: ClickHouseClient, database: string, dialect: Dialect): Promise<void> {
  try {
    await client.command({ query: createDatabaseStatement(database, dialect) });
  } finally {
    await client.close();
  }
}

export function createDatabaseStatement(database: string, dialect: Dialect): string {
  return `CREATE DATABASE IF NOT EXISTS ${identifier(database)}${dialect.onCluster}`;
}

function serverUnavailable(server: string, database: string, cause: unknown): OriginscopeError {
  if (cause instanceof OriginscopeError) return cause;
  if (codeOf(cause) === UNKNOWN_DATABASE) {
    return new OriginscopeError('DATABASE_MISSING', { database, cause });
  }
  if (isLoginProblem(cause)) {
    return new OriginscopeError('CLICKHOUSE_LOGIN_REFUSED', { server, cause });
  }
  if (cause instanceof Error && /^\d+$/.test(codeOf(cause) ?? '')) {
    const details = { server, problem: cause.message, cause };
    if (isTransient(cause)) return new OriginscopeError('CLICKHOUSE_FAILED', details);
    return new OriginscopeError('CLICKHOUSE_REFUSED', {
      ...details,
      ...(codeOf(cause) === READONLY && {
        remedy:
          'Give the user a profile with readonly = 2: it can only read, but may set limits for its own queries.',
      }),
    });
  }
  if (isCertificateProblem(cause)) {
    return new OriginscopeError('CLICKHOUSE_TLS_FAILED', { server, problem: codeOf(cause) ?? '', cause });
  }
  return new OriginscopeError('CLICKHOUSE_UNAVAILABLE', { server, cause });
}
