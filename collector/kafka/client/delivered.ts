import type { KafkaMessage } from 'kafkajs';

/** A message as it was delivered, with where it stands. */
export interface Delivered {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
}
