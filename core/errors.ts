import { ERRORS, type ErrorCode } from './error-codes.ts';

/** The names between braces. */
type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

/** The values that the message and the remedy of an error need. */
type Values<Code extends ErrorCode> = {
  readonly [Name in Placeholders<(typeof ERRORS)[Code]['message'] | (typeof ERRORS)[Code]['remedy']>]:
    | string
    | number;
};

/** An error as one process tells it to another, in JSON. */
export interface ErrorReport {
  readonly message: string;
  /** Of an `OriginscopeError`; so are its values and its remedy. */
  readonly code?: string;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly remedy?: string;
  readonly cause?: ErrorReport;
}

interface Context {
  readonly cause?: unknown;
  /** Instead of the one in the table, where more is known about the case. */
  readonly remedy?: string;
}

/** A code and the details that it needs: none where the table has no placeholder. */
type ErrorArguments = {
  [Code in ErrorCode]: Record<never, never> extends Values<Code>
    ? [code: Code, details?: Context]
    : [code: Code, details: Values<Code> & Context];
}[ErrorCode];

/**
 * An error that a person can act on: what went wrong, whether a retry can help, and what to do. The code is stable
 * and meant for programs; the message and the remedy are meant for people.
 */
export class OriginscopeError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly remedy: string;
  /** Of the placeholders. */
  readonly values: Readonly<Record<string, unknown>>;

  /**
   * Takes a key of the table in error-codes.ts, and the values of the table's placeholders with the context.
   */
  constructor(...[code, details]: ErrorArguments) {
    const { cause, remedy, ...values }: Context = details ?? {};
    super(filled(ERRORS[code].message, values), cause === undefined ? undefined : { cause });
    this.name = 'OriginscopeError';
    this.code = code;
    this.retryable = ERRORS[code].retryable;
    this.remedy = remedy ?? filled(ERRORS[code].remedy, values);
    this.values = values as Readonly<Record<string, unknown>>;
  }
}

/** In one pass, so that braces in a value stay as they are. */
function filled(template: string, values: object): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(Reflect.get(values, name)));
}

const MAX_CAUSES = 8;

/** An error and its causes, outermost first; a chain without end is cut. */
export function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && chain.length < MAX_CAUSES; each = each.cause) {
    chain.push(each);
  }
  return chain;
}

/** Whether the error, or one of its causes, is an OriginscopeError with the code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return causesOf(error).some((each) => each instanceof OriginscopeError && each.code === code);
}

/**
 * The code of any error as text: of Node (`ENOENT`), OpenSSL, fastify (`FST_…`), ClickHouse (a number), or our own.
 * Not of its causes.
 */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function errorReport(error: unknown): ErrorReport {
  const report = causesOf(error).reduceRight<ErrorReport | undefined>((cause, each) => {
    const { code, values, remedy } = each instanceof OriginscopeError ? each : {};
    return {
      message: each.message,
      ...(code !== undefined && { code, values, remedy }),
      ...(cause !== undefined && { cause }),
    };
  }, undefined);
  return report ?? { message: messageOf(error) };
}

/** The error that a report tells of: an `OriginscopeError` if it was one. */
export function reportedError({ message, code, values, remedy, cause }: ErrorReport): Error {
  const context = cause === undefined ? {} : { cause: reportedError(cause) };
  if (code === undefined || !Object.hasOwn(ERRORS, code)) return new Error(message, context);
  return new OriginscopeError(...([code, { ...values, ...context, remedy }] as ErrorArguments));
}
