/**
 * What a user may say about coalescing and delivery. Checked once, at the door; a wrong or unknown option is an
 * error there and not a surprise in production.
 */
export interface RecorderOptions {
  /** `private`: the package's own lossless pipeline. `provider`: the application's tracer provider, best effort. */
  readonly delivery: 'private' | 'provider';
  /** Base URL of the OTLP/HTTP receiver; undefined: from the environment, see `targetOf`. */
  readonly endpoint: string | undefined;
  /** Headers for the receiver, over those of the environment. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds that one request to the receiver may take; undefined: from the environment, else 10,000. */
  readonly timeoutMillis: number | undefined;
  /** Milliseconds that equal decisions are counted for before one span carries them; 0: a span a decision. */
  readonly intervalMillis: number;
  /** How many distinct decisions the first minute may bring before origins become `(other)`. */
  readonly newKeysAtStart: number;
  /** How many new distinct decisions each later minute may bring. */
  readonly newKeysPerMinute: number;
  /** Blocked decisions a second that keep a span of their own, in the long run. */
  readonly blockedSpansPerSecond: number;
  /** Blocked decisions at once that keep a span of their own. */
  readonly blockedSpansBurst: number;
  /** Flush when a signal ends the process. Whether it ends, and by what, is left as it is without us. */
  readonly handleSignals: boolean;
  /** Milliseconds that a process waits for the receiver after such a signal, or when nothing is left to do. */
  readonly shutdownTimeoutMillis: number;
  /** Milliseconds that `process.exit` and an uncaught exception are held up by what is unsent; 0: not at all. */
  readonly exitTimeoutMillis: number;
  /** A directory for what was not accepted in time; the next process that uses it sends that. */
  readonly spool: string | undefined;
}

/** One option: what it is when nothing is said, what is accepted, and that in words. */
export interface OptionDefinition<T> {
  readonly default: T;
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** Reads its environment variable; undefined when that cannot be. Without it there is no variable. */
  readonly parse?: (text: string) => unknown;
}

export type OptionDefinitions<O> = { readonly [K in keyof O]-?: OptionDefinition<O[K]> };

const wholeNumber = <T>(least: number, most: number, byDefault: T): OptionDefinition<T> => ({
  default: byDefault,
  expected: `a whole number from ${least} to ${most}`,
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
});

export const trueOrFalse = (byDefault: boolean): OptionDefinition<boolean> => ({
  default: byDefault,
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
  timeoutMillis: wholeNumber<number | undefined>(1, 600_000, undefined),
  intervalMillis: wholeNumber(0, 60_000, 10_000),
  newKeysAtStart: wholeNumber(0, 100_000, 500),
  newKeysPerMinute: wholeNumber(0, 10_000, 50),
  blockedSpansPerSecond: wholeNumber(0, 10_000, 20),
  blockedSpansBurst: wholeNumber(0, 10_000, 100),
  handleSignals: trueOrFalse(true),
  shutdownTimeoutMillis: wholeNumber(0, 600_000, 5_000),
  exitTimeoutMillis: wholeNumber(0, 60_000, 1_000),
  spool: {
    default: undefined,
    expected: 'the path of a directory',
    accepts: (value) => typeof value === 'string' && value.trim() !== '' && !value.includes('\0'),
    parse: (text) => text,
  },
};

/** An option that cannot be used. Trying again cannot help; the message says what to correct. */
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
 * The given options with the defaults of all others, frozen. An option that is undefined counts as not given.
 * @throws InvalidOption for an unknown key or a value that is not accepted
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

/** A header that node:http will accept: RFC 9110 §5.1 and §5.5, without the obsolete octets. */
export function isHeader(name: string, value: unknown): value is string {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && typeof value === 'string' && /^[\t -~]*$/.test(value);
}

/** Objects are not shown: they may hold secrets. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object' || typeof value === 'function') return `of type ${typeof value}`;
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
}
