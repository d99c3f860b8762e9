import { type Environment, firstOf } from './delivery/environment.ts';
import {
  booleanOption,
  InvalidOption,
  type OptionDefinition,
  type OptionDefinitions,
  RECORDER_OPTIONS,
  type RecorderOptions,
  readOptions,
} from './delivery/options.ts';
import type { TrustProxy } from './http/forwarded.ts';
import type { RawRequest } from './http/served-exchange.ts';
import type { Redact } from './redaction.ts';

/** The request as passed to hooks. */
export interface RequestInfo {
  readonly method: string;
  /** The request target as received: a path with query, or an absolute URL. */
  readonly url: string;
  /** Node's request, an HTTP/2 stream, or a fetch `Request`, depending on the server. */
  readonly raw: RawRequest;
}

/**
 * Options of the observer. Hooks are called when the response headers are written and must return
 * synchronously.
 */
export interface ObserverOptions {
  /**
   * Whether `Forwarded` and `X-Forwarded-*` headers are trusted: not at all (`false`), from every proxy
   * (`true`), or from this number of your own proxies.
   */
  readonly trustProxy: TrustProxy;
  /** Requests for which it returns `true` are not counted. */
  readonly ignoreRequest: ((request: RequestInfo) => boolean) | undefined;
  /** Returns the route template; takes precedence over tracing and the framework. */
  readonly route: ((request: RequestInfo) => string | undefined) | undefined;
  /** Masks more than the default masking does. If it throws, everything that it could mask is hidden. */
  readonly redact: Redact | undefined;
}

export interface Options extends RecorderOptions, ObserverOptions {
  /** When `false`, nothing is observed. */
  readonly enabled: boolean;
}

/**
 * User configuration: any subset of the options. `enabled` is declared as in OpenTelemetry's
 * `InstrumentationConfig`.
 */
export type CorsInstrumentationConfig = Partial<Pick<Options, 'enabled'>> & {
  readonly [K in Exclude<keyof Options, 'enabled'>]?: Options[K] | undefined;
};

const hook = {
  default: undefined,
  expected: 'a function',
  accepts: (value: unknown) => typeof value === 'function',
};

export const OPTIONS: OptionDefinitions<Options> = {
  enabled: booleanOption(true),
  ...RECORDER_OPTIONS,
  trustProxy: {
    default: false,
    expected: 'true, false or the number of your proxies',
    accepts: (value) =>
      typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value) && value >= 0),
    parse: parseTrustProxy,
  },
  ignoreRequest: hook,
  route: hook,
  redact: hook,
};

/** The environment variable of an option: `ORIGINSCOPE_TRUST_PROXY` for `trustProxy`. */
export function variableOf(option: string): string {
  return `ORIGINSCOPE_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * Resolves all options: `config` over the environment over defaults. Frozen.
 *
 * @throws InvalidOption
 */
export function resolveOptions(config: CorsInstrumentationConfig = {}, env: Environment): Options {
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  return readOptions<Options>(OPTIONS, { ...fromEnvironment(env), ...Object.fromEntries(given) });
}

function fromEnvironment(env: Environment): CorsInstrumentationConfig {
  const read = Object.entries<OptionDefinition<unknown>>(OPTIONS).flatMap(([option, definition]) => {
    const name = variableOf(option);
    const text = firstOf(env, name);
    if (text === undefined || definition.parse === undefined) return [];
    const value = definition.parse(text);
    if (value === undefined || !definition.accepts(value)) {
      const received = JSON.stringify(text.slice(0, 100));
      const message = `${name} must be ${definition.expected}, but is ${received}: correct or remove it.`;
      throw new InvalidOption(name, message);
    }
    return [[option, value]];
  });
  return Object.fromEntries(read);
}

function parseTrustProxy(text: string): unknown {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}
