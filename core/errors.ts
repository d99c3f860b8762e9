/**
 * An error that a person can act on: what went wrong, whether trying again can help, and what to do.
 * The code is stable and meant for programs; the message is meant for people.
 */
export class OriginscopeError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly remedy: string;

  constructor(
    code: string,
    message: string,
    options: { remedy: string; retryable?: boolean; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OriginscopeError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.remedy = options.remedy;
  }
}
