import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';

const { joinAndSync: join } = ConsumerGroup.prototype;
const joining = new WeakMap<ConsumerGroup, Promise<void>>();

/**
 * kafkajs 2.2.4 fetches from each broker independently, and when partitions or their leaders change, each
 * fetch rejoins the group concurrently. If the coordinator has forgotten the member, they become several
 * members: all but one are inactive and hold partitions until their session ends, or no member acts as
 * leader and the group stalls. With this patch, concurrent joins share one.
 */
export function joinGroupOnce(): void {
  ConsumerGroup.prototype.joinAndSync = function joinOnce() {
    const running = joining.get(this) ?? join.call(this).finally(() => joining.delete(this));
    joining.set(this, running);
    return running;
  };
}
