import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import type { Retention } from '../collector/clickhouse/retention.ts';
import { parseSamplingRatios } from '../collector/derivation/sampling.ts';
import { OriginscopeError } from '../collector/errors.ts';

/**
 * Every setting once: its flag, its variable (`ORIGINSCOPE_` and the key in capitals), what it accepts and
 * what it means. Flags, environment, file, `--help` and the README's table all come from here.
 */
interface Setting {
  readonly flag: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly default?: string | number;
}

const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

export const SETTINGS = {
  data: {
    flag: '--data <directory>',
    description: 'where the embedded database lives',
    schema: z.string().min(1),
    default: './.originscope',
  },
  host: {
    flag: '--host <address>',
    description: 'address to listen on; any but a loopback address needs --token or --auth none',
    schema: z.string().min(1),
    default: '127.0.0.1',
  },
  port: {
    flag: '--port <number>',
    description: 'port of the OTLP/HTTP receiver; 0 takes a free one',
    schema: wholeNumber(0, 65_535),
    default: 4318,
  },
  token: {
    flag: '--token <secret>',
    description: 'bearer token that senders must present; better given by ORIGINSCOPE_TOKEN or _TOKEN_FILE',
    schema: z.string().min(8),
  },
  auth: {
    flag: '--auth <mode>',
    description: '"token", or "none" to let everybody send from everywhere',
    schema: z.enum(['token', 'none']),
    default: 'token',
  },
  samplingRatios: {
    flag: '--sampling-ratios <pairs>',
    description:
      'by which ratio services sample the HTTP spans that decisions are derived from: orders=0.1,*=1',
    schema: z.string().min(3).transform(parseSamplingRatios),
  },
  keepRaw: {
    flag: '--keep-raw <hours>',
    description: 'hours that decision spans are kept; at least the 48 for which late ones are taken',
    schema: wholeNumber(48, 24 * 366),
    default: 48,
  },
  keepMinutes: {
    flag: '--keep-minutes <days>',
    description: 'days that usage by the minute and blocked requests are kept',
    schema: wholeNumber(3, 3_650),
    default: 30,
  },
  keepHours: {
    flag: '--keep-hours <months>',
    description: 'months that usage by the hour is kept',
    schema: wholeNumber(1, 1_200),
    default: 13,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = {
  readonly [K in SettingName]:
    | z.infer<(typeof SETTINGS)[K]['schema']>
    | ((typeof SETTINGS)[K] extends { default: unknown } ? never : undefined);
};

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** Read by the instrumentation, which may share the environment with us. */
const FOREIGN_VARIABLES: ReadonlySet<string> = new Set([
  'ORIGINSCOPE_ENDPOINT',
  'ORIGINSCOPE_HEADERS',
  'ORIGINSCOPE_TRUST_PROXY',
  'ORIGINSCOPE_DELIVERY',
]);

export function variableOf(name: SettingName): string {
  return `ORIGINSCOPE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Adds the flags of these settings to a command, and `--config`. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const setting: Setting = SETTINGS[name];
    const preset = setting.default === undefined ? '' : `; default ${setting.default}`;
    command.addOption(new Option(setting.flag, `${setting.description} [${variableOf(name)}${preset}]`));
  }
  return command.option('--config <file>', 'JSON file with any of these settings [ORIGINSCOPE_CONFIG]');
}

/**
 * The effective settings: flags over environment over file over defaults, validated and frozen.
 *
 * @throws OriginscopeError `SETTING_UNKNOWN`, `SETTING_INVALID`, `CONFIG_UNREADABLE`
 */
export function readSettings(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const configFile = (flags.config as string | undefined) ?? environment.ORIGINSCOPE_CONFIG;
  const file = configFile === undefined ? {} : readConfigFile(configFile);
  const fromEnvironment = readEnvironment(environment);
  const entries = NAMES.map((name) => {
    const setting: Setting = SETTINGS[name];
    const [value, source] =
      flags[name] !== undefined
        ? [flags[name], setting.flag.split(' ')[0]]
        : fromEnvironment[name] !== undefined
          ? [fromEnvironment[name], variableOf(name)]
          : file[name] !== undefined
            ? [file[name], `"${name}" in ${configFile}`]
            : [setting.default, 'the default'];
    if (value === undefined) return [name, undefined];
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) return [name, parsed.data];
    // A secret never appears in a message.
    const received = name === 'token' ? '' : `, received ${JSON.stringify(value)}`;
    throw new OriginscopeError(
      'SETTING_INVALID',
      `${source}: ${parsed.error.issues[0]?.message ?? 'invalid'}${received}`,
      { remedy: `It is: ${setting.description}.` },
    );
  });
  return Object.freeze(Object.fromEntries(entries)) as Settings;
}

/** The settings of `--keep-…` in the words of the collector. */
export function retentionOf(settings: Settings): Retention {
  return {
    rawHours: settings.keepRaw,
    minutesDays: settings.keepMinutes,
    hoursMonths: settings.keepHours,
  };
}

function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Partial<Record<SettingName, string>> {
  const byVariable = new Map(NAMES.map((name) => [variableOf(name), name]));
  const found: Partial<Record<SettingName, string>> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('ORIGINSCOPE_') || value === undefined || value === '') continue;
    if (variable === 'ORIGINSCOPE_CONFIG' || FOREIGN_VARIABLES.has(variable)) continue;
    if (variable === 'ORIGINSCOPE_TOKEN_FILE') {
      found.token = readText(value, variable).trim();
      continue;
    }
    const name = byVariable.get(variable);
    if (name === undefined) throw unknownSetting(variable, [...byVariable.keys()]);
    found[name] = value;
  }
  return found;
}

function readConfigFile(path: string): Partial<Record<SettingName, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(readText(path, '--config'));
  } catch (cause) {
    if (cause instanceof OriginscopeError) throw cause;
    throw new OriginscopeError('CONFIG_UNREADABLE', `${path} is not JSON`, {
      cause,
      remedy: 'It holds one object, for example {"port": 4318}.',
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OriginscopeError('CONFIG_UNREADABLE', `${path} does not hold an object`, {
      remedy: 'It holds one object, for example {"port": 4318}.',
    });
  }
  const unknown = Object.keys(value).find((key) => !(NAMES as string[]).includes(key));
  if (unknown !== undefined) throw unknownSetting(`"${unknown}" in ${path}`, NAMES);
  return value;
}

function readText(path: string, source: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OriginscopeError('CONFIG_UNREADABLE', `${source}: ${path} cannot be read`, {
      cause,
      remedy: 'Check the path and its permissions.',
    });
  }
}

function unknownSetting(name: string, known: readonly string[]): OriginscopeError {
  return new OriginscopeError('SETTING_UNKNOWN', `${name} is no setting`, {
    remedy: `Known are: ${known.join(', ')}.`,
  });
}
