import { type Command, Option } from 'commander';
import { OriginscopeError } from '../../core/errors.ts';
import { readText } from './read-text.ts';
import type { Setting } from './setting.ts';
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './table.ts';

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

/** A setting's value as it was given, and who gave it. */
export interface GivenValue {
  readonly value: unknown;
  /** The flag, the variable, the key of the file, or "the default". */
  readonly source: string;
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
  const given = givenValues(flags, environment);
  const entries = SETTING_NAMES.map((name) => {
    const { value, source } = given[name];
    if (value === undefined) return [name, undefined];
    const setting: Setting = SETTINGS[name];
    const parsed = setting.schema.safeParse(value);
    if (parsed.success) return [name, parsed.data];
    throw new OriginscopeError('SETTING_INVALID', {
      source,
      problem: `${parsed.error.issues[0]?.message ?? 'invalid'}${setting.secret ? '' : `, received ${shown(name, value)}`}`,
      expected: setting.description,
    });
  });
  return Object.freeze(Object.fromEntries(entries)) as Settings;
}

/**
 * Which value each setting has, before it is validated.
 *
 * @throws OriginscopeError `SETTING_UNKNOWN`, `CONFIG_UNREADABLE`
 */
export function givenValues(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<SettingName, GivenValue>> {
  const configFile = (flags.config as string | undefined) ?? environment.ORIGINSCOPE_CONFIG;
  const file = configFile === undefined ? {} : readConfigFile(configFile);
  const fromEnvironment = readEnvironment(environment);
  const entries = SETTING_NAMES.map((name): [SettingName, GivenValue] => {
    const setting: Setting = SETTINGS[name];
    const value = flags[name] ?? fromEnvironment[name] ?? file[name] ?? setting.default;
    if (flags[name] !== undefined) return [name, { value, source: setting.flag.split(' ')[0] ?? '' }];
    if (fromEnvironment[name] !== undefined) return [name, { value, source: variableOf(name) }];
    if (file[name] !== undefined) return [name, { value, source: `"${name}" in ${configFile}` }];
    return [name, { value, source: 'the default' }];
  });
  return Object.fromEntries(entries) as Record<SettingName, GivenValue>;
}

/** A value in JSON as a person may see it: never a secret, nor the password in a URL. */
export function shown(name: SettingName, value: unknown): string {
  if ((SETTINGS[name] as Setting).secret) return '"(secret)"';
  return JSON.stringify(value).replaceAll(/\/\/[^/@"]*@/g, '//(secret)@');
}

function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Partial<Record<SettingName, string>> {
  const byVariable = new Map(SETTING_NAMES.map((name) => [variableOf(name), name]));
  const secretFiles = new Map(
    SETTING_NAMES.filter((name) => (SETTINGS[name] as Setting).secret).map((name) => [
      `${variableOf(name)}_FILE`,
      name,
    ]),
  );
  const found: Partial<Record<SettingName, string>> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('ORIGINSCOPE_') || value === undefined || value === '') continue;
    if (variable === 'ORIGINSCOPE_CONFIG' || FOREIGN_VARIABLES.has(variable)) continue;
    const secret = secretFiles.get(variable);
    if (secret !== undefined) {
      found[secret] = readText(value, variable).trim();
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
    throw new OriginscopeError('CONFIG_UNREADABLE', {
      source: path,
      problem: 'is not valid JSON',
      cause,
      remedy: CONFIG_EXAMPLE,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OriginscopeError('CONFIG_UNREADABLE', {
      source: path,
      problem: 'is not a JSON object',
      remedy: CONFIG_EXAMPLE,
    });
  }
  const unknown = Object.keys(value).find((key) => !(SETTING_NAMES as string[]).includes(key));
  if (unknown !== undefined) throw unknownSetting(`"${unknown}" in ${path}`, SETTING_NAMES);
  return value;
}

function unknownSetting(name: string, known: readonly string[]): OriginscopeError {
  return new OriginscopeError('SETTING_UNKNOWN', { name, known: known.join(', ') });
}

const CONFIG_EXAMPLE = 'A configuration file holds one object, for example {"port": 4318}.';
