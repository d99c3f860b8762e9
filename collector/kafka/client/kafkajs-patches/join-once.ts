import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';

const { joinAndSync: join } = ConsumerGroup.prototype;
const joining = new WeakMap<ConsumerGroup, Promise<void>>();

/**
 * kafkajs 2.2.4 fetches from each broker on its own, and when the partitions or their leaders change, each of these
 * joins the group anew, at once with the others. Where the coordinator has forgotten the member meanwhile, they
 * become several members, of which all but one are silent and hold partitions until their session ends; or none
 * of them does the leader's part, and all wait. Here those that come while one joins wait for it.
 */
export function letMembersJoinOnce(): void {
  ConsumerGroup.prototype.joinAndSync = function joinOnce() {
    const running = joining.get(this) ?? join.call(this).finally(() => joining.delete(this));
    joining.set(this, running);
    return running;
  };
}
