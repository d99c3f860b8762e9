import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';

const { heartbeat } = ConsumerGroup.prototype;
const { refreshMetadataIfNecessary } = BrokerPool.prototype;

/**
 * kafkajs 2.2.4 remembers by the host's clock when it has to do something again. When that is set back by an hour, a
 * consumer sends no heartbeat for an hour, so that its group throws it out again and again, and nobody sees
 * partitions that are added. Here what lies further ahead than it can is due at once.
 */
export function letClocksStep(): void {
  ConsumerGroup.prototype.heartbeat = function heartbeatWhenDue(options) {
    if (this.lastRequest > Date.now()) this.lastRequest = 0;
    return heartbeat.call(this, options);
  };
  BrokerPool.prototype.refreshMetadataIfNecessary = function refreshWhenDue(topics) {
    const expireAt = this.metadataExpireAt ?? 0;
    if (expireAt > Date.now() + this.metadataMaxAge) this.metadataExpireAt = 0;
    return refreshMetadataIfNecessary.call(this, topics);
  };
}
