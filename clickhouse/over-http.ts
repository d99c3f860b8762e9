import { Readable } from 'node:stream';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client';
import { codeOf, OriginscopeError } from '../core/errors.ts';
import type { Connector } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { type Insert, targetOf } from './rows.ts';
import { identifier } from './sql-text.ts';
import { isCertificateProblem, isLoginProblem, mayPass } from './trouble.ts';

export interface ServerLocation {
  /** With the database as its path. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMillis?: number;
  /** PEM, where the system does not know it. */
  readonly ca?: string | undefined;
  /** The cluster whose nodes hold the tables. */
  readonly cluster?: string | undefined;
}

const TIMEOUT_MILLIS = 60_000;
/** How many times longer a publication may take; as many times as a housekeeping waits for one. */
const PATIENCE = 10;

/**
 * @param options.createDatabase whether a database that is missing is created
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
    // Under the server's own time for idle connections (10 s, before 23.11 it was 3 s), also when our timers are late:
    // a request on a connection that the server is closing fails without having been heard.
    keep_alive: { idle_socket_ttl: 2_500, eagerly_destroy_stale_sockets: true },
    // What goes wrong is thrown; lines of its own would repeat statements and settings.
    log: { level: ClickHouseLogLevel.OFF },
    // Answers only. Blocks are dictionaries and indexes already: gzip would take 0.6 s of processor time for a
    // million rows, most of what it costs to encode them, to spare 100 MB that stay in one data centre.
    compression: { response: true, request: false },
    // Origins and services of strangers are parameters: in the URL they would stand in access logs, and many of
    // them make it longer than proxies take.
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
    async connect(settings, patient) {
      const client = createClient({
        ...common,
        request_timeout: patient ? timeoutMillis * PATIENCE : timeoutMillis,
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
  // The answer is empty; the connection is free again when it was read.
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

/** @throws OriginscopeError `CLICKHOUSE_URL_INVALID`, without the URL, which may hold a password */
export function addressOf(text: string): { readonly origin: string; readonly database: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = url === undefined ? '' : decodeURIComponent(url.pathname.slice(1));
  const problem =
    url === undefined
      ? 'is not a valid URL'
      : url.username !== '' || url.password !== ''
        ? 'contains a user name or a password'
        : url.search !== '' || url.hash !== ''
          ? 'has more than a path'
          : database.includes('/')
            ? 'has more than a database as its path'
            : undefined;
  if (url === undefined || problem !== undefined) {
    throw new OriginscopeError('CLICKHOUSE_URL_INVALID', { problem: String(problem) });
  }
  return { origin: url.origin, database: database === '' ? 'default' : database };
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
    if (mayPass(cause)) return new OriginscopeError('CLICKHOUSE_FAILED', details);
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
