/**
 * Options of coalescing and delivery. They are validated once at start-up: an invalid or unknown option is
 * an error.
 */
export interface RecorderOptions {
  /** `private`: the package's own lossless pipeline. `provider`: the application's tracer provider, best effort. */
  readonly delivery: 'private' | 'provider';
  /** Base URL of the OTLP/HTTP receiver; undefined: from the environment, see `targetOf`. */
  readonly endpoint: string | undefined;
  /** Headers for the receiver, over those of the environment. */
  readonly headers: Readonly<Record<string, string>>;
  /** Timeout of a request to the receiver; undefined: from the environment, else 10,000. */
  readonly timeoutMillis: number | undefined;
  /** How long equal decisions are counted before one span reports them; 0: one span per decision. */
  readonly intervalMillis: number;
  /** The number of distinct decisions in the first minute before origins become `(other)`. */
  readonly newKeysAtStart: number;
  /** The number of new distinct decisions in each later minute. */
  readonly newKeysPerMinute: number;
  /** Average number of blocked decisions per second that get a span of their own. */
  readonly blockedSpansPerSecond: number;
  /** Burst of blocked decisions that get a span of their own. */
  readonly blockedSpansBurst: number;
  /** Flush when a signal terminates the process. Whether and how it terminates is not changed. */
  readonly handleSignals: boolean;
  /** How long a process waits for the receiver after such a signal, or when its event loop is empty. */
  readonly shutdownTimeoutMillis: number;
  /** How long `process.exit` and an uncaught exception are delayed to send pending spans; 0: not at all. */
  readonly exitTimeoutMillis: number;
  /** A directory for spans that were not accepted in time; the next process that uses it sends them. */
  readonly spool: string | undefined;
}

/** Default, validation and description of one option. */
export interface OptionDefinition<T> {
  readonly default: T;
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /**
   * Parses its environment variable; returns undefined for an invalid value. Options without a parser have
   * no variable.
   */
  readonly parse?: (text: string) => unknown;
}

export type OptionDefinitions<O> = { readonly [K in keyof O]-?: OptionDefinition<O[K]> };

const integerOption = <T>(least: number, most: number, defaultValue: T): OptionDefinition<T> => ({
  default: defaultValue,
  expected: `a whole number from ${least} to ${most}`,
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
});

export const booleanOption = (defaultValue: boolean): OptionDefinition<boolean> => ({
  default: defaultValue,
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
  parse: (text) => ({ true: true, false: false })[text.toLowerCase()],
});

export const RECORDER_OPTIONS: OptionDefinitions<RecorderOptions> = {
  delivery: {
    default: 'private',
    expected: '"private" or "provider"',
    accepts: (value) => value === 'private' || value === 'provider',
    parse: (text) => text.toLowerCase(),
  },
  endpoint: {
    default: undefined,
    expected: 'an http:// or https:// URL',
    accepts: (value) => typeof value === 'string' && isHttpUrl(value),
  },
  headers: {
    default: {},
    expected: 'an object of valid header names and values',
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(([name, text]) => isHeader(name, text)),
  },
  timeoutMillis: integerOption<number | undefined>(1, 600_000, undefined),
  intervalMillis: integerOption(0, 60_000, 10_000),
  newKeysAtStart: integerOption(0, 100_000, 500),
  newKeysPerMinute: integerOption(0, 10_000, 50),
  blockedSpansPerSecond: integerOption(0, 10_000, 20),
  blockedSpansBurst: integerOption(0, 10_000, 100),
  handleSignals: booleanOption(true),
  shutdownTimeoutMillis: integerOption(0, 600_000, 5_000),
  exitTimeoutMillis: integerOption(0, 60_000, 1_000),
  spool: {
    default: undefined,
    expected: 'the path of a directory',
    accepts: (value) => typeof value === 'string' && value.trim() !== '' && !value.includes('\0'),
    parse: (text) => text,
  },
};

/** An invalid option. Not retryable; the message says what to correct. */
export class InvalidOption extends TypeError {
  readonly code = 'ORIGINSCOPE_INVALID_OPTION';
  readonly retryable = false;
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.name = 'InvalidOption';
    this.option = option;
  }
}

/**
 * Fills in the defaults and freezes the result. An undefined option counts as not given.
 *
 * @throws InvalidOption for an unknown option or an invalid value
 */
export function readOptions<O extends object>(
  definitions: OptionDefinitions<O>,
  given: { readonly [K in keyof O]?: O[K] | undefined } = {},
): Readonly<O> {
  const known = Object.keys(definitions) as (keyof O & string)[];
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(definitions, key)) {
      throw new InvalidOption(
        key,
        `Unknown option ${describe(key)}: correct or remove it. Options are ${known.join(', ')}.`,
      );
    }
  }
  const entries = known.map((key) => {
    const definition = definitions[key];
    const value = given[key];
    if (value === undefined) return [key, definition.default];
    if (!definition.accepts(value)) {
      throw new InvalidOption(
        key,
        `Option ${key} must be ${definition.expected}, but is ${describe(value)}: correct or remove it.`,
      );
    }
    return [key, value];
  });
  return Object.freeze(Object.fromEntries(entries));
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/**
 * Whether node:http accepts the header (https://www.rfc-editor.org/rfc/rfc9110#name-fields), without
 * obsolete octets.
 */
export function isHeader(name: string, value: unknown): value is string {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && typeof value === 'string' && /^[\t -~]*$/.test(value);
}

/** Objects are not shown, because they may hold secrets. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object' || typeof value === 'function') return `of type ${typeof value}`;
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
}
