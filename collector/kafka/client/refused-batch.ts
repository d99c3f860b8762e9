import type { KafkaMessage } from 'kafkajs';
import type { OriginscopeError } from '../../../core/errors.ts';

/** A batch whose messages are not read: what is known of it. Reading goes on behind it. */
export interface RefusedBatch {
  readonly reason: 'BATCH_TOO_LARGE' | 'BATCH_MALFORMED';
  readonly error: OriginscopeError;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** As it stands in the log. */
  readonly bytes: Buffer;
}

const refused = new WeakMap<object, RefusedBatch>();

/** kafkajs hands on messages and nothing else; so one without a value stands for the batch. */
export function standInFor<Message extends object>(batch: RefusedBatch, message: Message): Message {
  refused.set(message, batch);
  return message;
}

/** The batch that the message stands for; undefined of a real message. */
export function refusedBatchOf(message: Pick<KafkaMessage, 'value'>): RefusedBatch | undefined {
  return refused.get(message);
}
