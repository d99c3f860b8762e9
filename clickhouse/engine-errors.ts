import { codeOf } from '../core/errors.ts';

/**
 * Classifies errors of ClickHouse for an insert. Some are caused by the rows: the same rows are always
 * rejected. Some persist until a person fixes them, for any rows. The rest (connection, memory, disk, too
 * many parts or statements, timeouts, truncated bodies) is transient: a retry can help.
 *
 * Errors about unparsable text or types are not attributed to the rows: a block is complete and in the
 * types of its table, or there is a bug of ours, and messages must not become dead letters for that.
 */

const ROW_ERRORS: ReadonlySet<string> = new Set([
  'VALUE_REFUSED', // From our own encoder.
  '69', // ARGUMENT_OUT_OF_BOUND
  '131', // TOO_LARGE_STRING_SIZE
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '469', // VIOLATED_CONSTRAINT
]);

const LOGIN_ERRORS: ReadonlySet<string> = new Set([
  '192', // UNKNOWN_USER
  '193', // WRONG_PASSWORD
  '194', // REQUIRED_PASSWORD
  '516', // AUTHENTICATION_FAILED
]);

const PERSISTENT_ERRORS: ReadonlySet<string> = new Set([
  ...LOGIN_ERRORS,
  '16', // NO_SUCH_COLUMN_IN_TABLE
  '43', // ILLEGAL_TYPE_OF_ARGUMENT
  '47', // UNKNOWN_IDENTIFIER
  '53', // TYPE_MISMATCH
  '60', // UNKNOWN_TABLE
  '62', // SYNTAX_ERROR
  '70', // CANNOT_CONVERT_TYPE
  '81', // UNKNOWN_DATABASE
  '115', // UNKNOWN_SETTING
  '164', // READONLY
  '291', // DATABASE_ACCESS_DENIED
  '452', // SETTING_CONSTRAINT_VIOLATION
  '497', // ACCESS_DENIED
]);

/** Whether the rows themselves are the cause. */
export function blamesRows(error: unknown): boolean {
  return ROW_ERRORS.has(codeOf(error) ?? '');
}

/** Whether a later retry can help. */
export function isTransient(error: unknown): boolean {
  return !blamesRows(error) && !PERSISTENT_ERRORS.has(codeOf(error) ?? '') && !isCertificateProblem(error);
}

export function isLoginProblem(error: unknown): boolean {
  return LOGIN_ERRORS.has(codeOf(error) ?? '');
}

export function isCertificateProblem(error: unknown): boolean {
  return /^ERR_(TLS|SSL)|CERT|^UNABLE_TO_|^EPROTO$/.test(codeOf(error) ?? '');
}

/** Whether the engine itself responded with an error that another statement may not have. */
export function isEngineError(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return /^\d+$/.test(code) && !PERSISTENT_ERRORS.has(code);
}
