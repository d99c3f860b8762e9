/** Internals of kafkajs that it does not export. */
declare module 'kafkajs/src/cluster/brokerPool.js' {
  export default class BrokerPool {
    metadata: object | null;
    /** Epoch milliseconds. */
    metadataExpireAt: number | null;
    readonly metadataMaxAge: number;
    refreshMetadata(topics: readonly string[]): Promise<void>;
    refreshMetadataIfNecessary(topics: readonly string[]): Promise<void>;
  }
}
