import type { ErrorCode } from '../../../core/error-codes.ts';

/** Why a message, or with the last two reasons a whole batch, became a dead letter. */
export const LETTER_REASONS = [
  'OTLP_MALFORMED',
  'ROW_REFUSED',
  'BATCH_TOO_LARGE',
  'BATCH_MALFORMED',
] as const satisfies readonly ErrorCode[];
export type LetterReason = (typeof LETTER_REASONS)[number];
