import { OriginscopeError } from '../core/errors.ts';

export interface EmbeddedLocation {
  readonly directory: string;
}

export interface ServerLocation {
  /** With the database as its path. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly timeoutMillis?: number;
  /** PEM, if the system does not trust it. */
  readonly ca?: string | undefined;
  /** The cluster whose nodes hold the tables. */
  readonly cluster?: string | undefined;
}

/** Where the data live: a directory of the embedded engine, or a ClickHouse server. */
export type ClickHouseLocation = EmbeddedLocation | ServerLocation;

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
