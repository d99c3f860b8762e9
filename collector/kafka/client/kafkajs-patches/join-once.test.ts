import { expect, test } from 'vitest';

test('a consumer that learns of a change from several brokers at once joins its group once', async () => {
  const { default: ConsumerGroup } = await import('kafkajs/src/consumer/consumerGroup.js');
  let joins = 0;
  const joined = Promise.withResolvers<void>();
  ConsumerGroup.prototype.joinAndSync = () => {
    joins++;
    return joined.promise;
  };
  const { joinGroupOnce } = await import('./join-once.ts');
  joinGroupOnce();
  const group: InstanceType<typeof ConsumerGroup> = Object.create(ConsumerGroup.prototype);
  const all = [group.joinAndSync(), group.joinAndSync(), group.joinAndSync()];
  expect(joins).toBe(1);
  joined.resolve();
  await Promise.all(all);
  await group.joinAndSync();
  expect(joins).toBe(2);
});
