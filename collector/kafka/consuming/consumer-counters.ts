import { noRejections, type RejectionCounts } from '../../otlp/decoding-result.ts';
import type { LetterReason } from '../dead-letters/letter-reason.ts';

/**
 * Counters of a consumer since its start. Every message whose offset may be committed is counted in
 * `messages`, once per delivery; a batch that became one dead letter counts as one.
 */
export interface ConsumerCounters {
  messages: number;
  /** Bytes of the bodies of those messages. */
  bytes: number;
  /** Spans of those messages, without dead letters; the writer counts what ClickHouse did with them. */
  readonly spans: { accepted: number; passedOver: number; readonly rejected: RejectionCounts };
  readonly deadLetters: Record<LetterReason, number>;
  /** The number of times that ClickHouse did not accept rows and the consumer waited. */
  pauses: number;
  rebalances: number;
  /** The number of times that the group was rejoined after an error that stops kafkajs. */
  restarts: number;
  commitFailures: number;
  /** Messages that retention deleted before they were read. */
  lost: number;
  /** The number of times that raw days were kept longer because unread messages may belong to them. */
  cleaningsHeld: number;
  /** Unread messages by partition of this consumer. */
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
