/**
 * Codes of ClickHouse that blame the rows: the same rows are refused however often they are sent. Anything
 * else (connection, memory, disk, too many parts) is worth another try.
 */
const REFUSALS: ReadonlySet<string> = new Set([
  '6', // CANNOT_PARSE_TEXT
  '26', // CANNOT_PARSE_QUOTED_STRING
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '32', // ATTEMPT_TO_READ_AFTER_EOF
  '33', // CANNOT_READ_ALL_DATA
  '38', // CANNOT_PARSE_DATE
  '41', // CANNOT_PARSE_DATETIME
  '43', // ILLEGAL_TYPE_OF_ARGUMENT
  '53', // TYPE_MISMATCH
  '69', // ARGUMENT_OUT_OF_BOUND
  '70', // CANNOT_CONVERT_TYPE
  '72', // CANNOT_PARSE_NUMBER
  '117', // INCORRECT_DATA
  '130', // CANNOT_READ_ARRAY_FROM_TEXT
  '131', // TOO_LARGE_STRING_SIZE
  '190', // SIZES_OF_ARRAYS_DONT_MATCH
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '467', // CANNOT_PARSE_BOOL
  '469', // VIOLATED_CONSTRAINT
]);

/** Whether the rows themselves are at fault: refused by the engine, or not to be rendered as text. */
export function isRefusal(error: unknown): boolean {
  // The embedded engine throws a ClickHouseError of another copy of the class, so its code tells.
  if (error instanceof Error && 'code' in error) return REFUSALS.has(String(error.code));
  // BigInt of what is no hexadecimal number.
  return error instanceof SyntaxError;
}
