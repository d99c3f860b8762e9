import type { KafkaMessage } from 'kafkajs';

/** A delivered message and its topic and partition. */
export interface Delivered {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
}
