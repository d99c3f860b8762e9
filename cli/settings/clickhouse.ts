import { z } from 'zod';
import type { ServerLocation } from '../../clickhouse/location.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { readPem } from './read-text.ts';
import { httpUrl, namesOf, type SettingGroup, text, type Values, wholeNumber } from './setting.ts';

export const CLICKHOUSE = {
  clickhouse: {
    flag: '--clickhouse <url>',
    description: 'a ClickHouse server instead of the embedded database: https://host:8443/database',
    schema: httpUrl,
  },
  clickhouseUser: {
    flag: '--clickhouse-user <name>',
    description: 'user of the ClickHouse server',
    schema: text,
    default: 'default',
  },
  clickhousePassword: {
    flag: '--clickhouse-password <secret>',
    description: 'its password; prefer ORIGINSCOPE_CLICKHOUSE_PASSWORD or _CLICKHOUSE_PASSWORD_FILE',
    schema: z.string(),
    secret: true,
  },
  clickhouseCa: {
    flag: '--clickhouse-ca <file>',
    description: 'CA certificate of the ClickHouse server, PEM, if the system does not trust it',
    schema: text,
  },
  clickhouseTimeout: {
    flag: '--clickhouse-timeout <seconds>',
    description: 'how long to wait for a response of the ClickHouse server',
    schema: wholeNumber(1, 3_600),
    default: 60,
  },
  cluster: {
    flag: '--cluster <name>',
    description: 'the ClickHouse cluster that holds the tables: replicated, and sharded by span',
    // It stands in SQL where no parameter can.
    schema: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'a cluster name has letters, digits, "_" and "-"'),
  },
} as const satisfies SettingGroup;

/** The embedded database, where no server is given. */
export const EMBEDDED = {
  data: {
    flag: '--data <directory>',
    description: 'directory of the embedded database',
    schema: text,
    default: './.originscope',
  },
} as const satisfies SettingGroup;

export const CLICKHOUSE_SETTINGS = namesOf(CLICKHOUSE);

/** Where a command's data are: the server of --clickhouse, else the embedded database of --data. */
export const DATABASE_SETTINGS = ['data', ...CLICKHOUSE_SETTINGS] as const;

export type ClickHouseSettings = Values<typeof CLICKHOUSE>;

/**
 * The server, when one is given.
 *
 * @throws OriginscopeError `CONFIG_UNREADABLE`
 */
export function serverOf(settings: ClickHouseSettings): ServerLocation | undefined {
  if (settings.clickhouse === undefined) return undefined;
  return {
    url: settings.clickhouse,
    username: settings.clickhouseUser,
    password: settings.clickhousePassword ?? '',
    timeoutMillis: settings.clickhouseTimeout * 1_000,
    ca: readPem(settings.clickhouseCa, '--clickhouse-ca'),
    cluster: settings.cluster,
  };
}

/**
 * The server, for a command that has no other place to work on.
 *
 * @throws OriginscopeError `CONFIG_UNREADABLE`, `SETTING_MISSING`
 */
export function requiredServerOf(settings: ClickHouseSettings): ServerLocation {
  const server = serverOf(settings);
  if (server !== undefined) return server;
  throw new OriginscopeError('SETTING_MISSING', {
    problem: 'this command needs a ClickHouse server',
    remedy:
      'Give --clickhouse https://host:8443/database, or ORIGINSCOPE_CLICKHOUSE. The embedded database belongs to "originscope up".',
  });
}
