/** A part of kafkajs that it does not export. */
declare module 'kafkajs/src/consumer/consumerGroup.js' {
  export default class ConsumerGroup {
    joinAndSync(): Promise<void>;
  }
}
