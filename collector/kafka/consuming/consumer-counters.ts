import type { ErrorCode } from '../../../core/error-codes.ts';
import { noRejections, type RejectionCounts } from '../../otlp/decoded.ts';

/** Why a message, or with the last two a whole batch of messages, became a dead letter. */
export const LETTER_REASONS = [
  'OTLP_MALFORMED',
  'ROW_REFUSED',
  'BATCH_TOO_LARGE',
  'BATCH_MALFORMED',
] as const satisfies readonly ErrorCode[];
export type LetterReason = (typeof LETTER_REASONS)[number];

/**
 * What a consumer did since it started. Every message whose offset may be committed is in `messages`, once
 * more each time that it is delivered; a batch that became one dead letter counts as one.
 */
export interface ConsumerCounters {
  messages: number;
  /** Of the bodies of those messages. */
  bytes: number;
  /** What those messages held, dead letters aside; what ClickHouse did with the first is the writer's count. */
  readonly spans: { accepted: number; passedOver: number; readonly rejected: RejectionCounts };
  readonly deadLetters: Record<LetterReason, number>;
  /** Times that ClickHouse took no rows and was waited for. */
  pauses: number;
  rebalances: number;
  /** Times that the group was joined anew after an error that kafkajs does not go on from. */
  restarts: number;
  commitFailures: number;
  /** Messages that retention deleted before they were read. */
  lost: number;
  /** Times that raw days were kept longer, because unread messages may belong to them. */
  cleaningsHeld: number;
  /** Messages that wait, by partition of this consumer. */
  lag: ReadonlyMap<number, number>;
}

export const noConsumerCounts = (): ConsumerCounters => ({
  messages: 0,
  bytes: 0,
  spans: { accepted: 0, passedOver: 0, rejected: noRejections() },
  deadLetters: { OTLP_MALFORMED: 0, ROW_REFUSED: 0, BATCH_TOO_LARGE: 0, BATCH_MALFORMED: 0 },
  pauses: 0,
  rebalances: 0,
  restarts: 0,
  commitFailures: 0,
  lost: 0,
  cleaningsHeld: 0,
  lag: new Map(),
});
