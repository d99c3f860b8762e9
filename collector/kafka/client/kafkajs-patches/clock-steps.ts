import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';

const { heartbeat } = ConsumerGroup.prototype;
const { refreshMetadataIfNecessary } = BrokerPool.prototype;

/**
 * kafkajs 2.2.4 schedules by the wall clock. When that is set back by an hour, a consumer sends no
 * heartbeat for an hour, is removed from its group again and again, and misses added partitions. This patch
 * treats times that are too far in the future as due.
 */
export function tolerateClockSteps(): void {
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
