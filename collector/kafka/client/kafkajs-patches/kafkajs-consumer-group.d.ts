/** Internals of kafkajs that it does not export. */
declare module 'kafkajs/src/consumer/consumerGroup.js' {
  export default class ConsumerGroup {
    joinAndSync(): Promise<void>;
    /** Epoch milliseconds. */
    lastRequest: number;
    heartbeat(options: { readonly interval: number }): Promise<void>;
  }
}
