import { codeOf } from '../core/errors.ts';

/**
 * What errors of ClickHouse mean for an insert. Some blame the rows: the same ones are refused however often they
 * are sent. Some stand until a person does something, with whatever rows. The rest (connection, memory, disk, too
 * many parts or statements, time, a body that was cut on its way) may pass: another try can help.
 *
 * What the engine says of text or types it cannot read blames no rows: a block is whole and in the types of its
 * table, or it is our mistake, and nobody's messages should be set aside for that.
 */

const BLAME_ROWS: ReadonlySet<string> = new Set([
  'VALUE_REFUSED', // By our own encoder.
  '69', // ARGUMENT_OUT_OF_BOUND
  '131', // TOO_LARGE_STRING_SIZE
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '469', // VIOLATED_CONSTRAINT
]);

const LOGIN: ReadonlySet<string> = new Set([
  '192', // UNKNOWN_USER
  '193', // WRONG_PASSWORD
  '194', // REQUIRED_PASSWORD
  '516', // AUTHENTICATION_FAILED
]);

const STAND: ReadonlySet<string> = new Set([
  ...LOGIN,
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

/** Whether the rows themselves are at fault. */
export function blamesRows(error: unknown): boolean {
  return BLAME_ROWS.has(codeOf(error) ?? '');
}

/** Whether another try, a little later, can help. */
export function mayPass(error: unknown): boolean {
  return !blamesRows(error) && !STAND.has(codeOf(error) ?? '') && !isCertificateProblem(error);
}

export function isLoginProblem(error: unknown): boolean {
  return LOGIN.has(codeOf(error) ?? '');
}

export function isCertificateProblem(error: unknown): boolean {
  return /^ERR_(TLS|SSL)|CERT|^UNABLE_TO_|^EPROTO$/.test(codeOf(error) ?? '');
}

/** Whether the engine itself answered with an error, that another statement may not meet. */
export function isOfEngine(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  return /^\d+$/.test(code) && !STAND.has(code);
}
