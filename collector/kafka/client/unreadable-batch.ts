import type { KafkaMessage } from 'kafkajs';
import type { OriginscopeError } from '../../../core/errors.ts';

/** A batch whose messages are not read: what is known of it. Reading goes on behind it. */
export interface UnreadableBatch {
  readonly reason: 'BATCH_TOO_LARGE' | 'BATCH_MALFORMED';
  readonly error: OriginscopeError;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** As it stands in the log. */
  readonly bytes: Buffer;
}

const batches = new WeakMap<object, UnreadableBatch>();

/** kafkajs hands on messages and nothing else; so one without a value stands for the batch. */
export function standInFor<Message extends object>(batch: UnreadableBatch, message: Message): Message {
  batches.set(message, batch);
  return message;
}

/** The batch that the message stands for; undefined of a real message. */
export function unreadableBatchOf(message: Pick<KafkaMessage, 'value'>): UnreadableBatch | undefined {
  return batches.get(message);
}
