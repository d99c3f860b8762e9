import type { KafkaMessage } from 'kafkajs';
import type { OriginscopeError } from '../../../core/errors.ts';

/** A batch whose messages are not read. Reading continues after it. */
export interface UnreadableBatch {
  readonly reason: 'BATCH_TOO_LARGE' | 'BATCH_MALFORMED';
  readonly error: OriginscopeError;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The bytes in the log. */
  readonly bytes: Buffer;
}

const batches = new WeakMap<object, UnreadableBatch>();

/** kafkajs passes on messages only, so a message without a value represents the batch. */
export function placeholderFor<Message extends object>(batch: UnreadableBatch, message: Message): Message {
  batches.set(message, batch);
  return message;
}

/** The batch that the message represents; undefined for a real message. */
export function unreadableBatchOf(message: Pick<KafkaMessage, 'value'>): UnreadableBatch | undefined {
  return batches.get(message);
}
