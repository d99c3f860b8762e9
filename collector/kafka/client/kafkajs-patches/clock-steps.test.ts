import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tolerateClockSteps } from './clock-steps.ts';

const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  tolerateClockSteps();
});
afterEach(() => void vi.useRealTimers());

/** A member of a group whose coordinator counts heartbeats. */
function member() {
  const Group = ConsumerGroup as unknown as new (options: object) => ConsumerGroup;
  const coordinator = { heartbeat: vi.fn(async () => {}) };
  const group = new Group({
    logger: { namespace: () => ({}) },
    instrumentationEmitter: { emit() {} },
    topics: [],
    retry: {},
  });
  return { group: Object.assign(group, { memberId: 'a', coordinator }), sent: coordinator.heartbeat };
}

test('heartbeats continue when the clock is set back, at the regular interval', async () => {
  const { group, sent } = member();
  vi.setSystemTime(Date.now() + 1_000);
  await group.heartbeat({ interval: 1_000 });
  await group.heartbeat({ interval: 1_000 });
  expect(sent).toHaveBeenCalledTimes(1);
  vi.setSystemTime(Date.now() - HOUR);
  await group.heartbeat({ interval: 1_000 });
  await group.heartbeat({ interval: 1_000 });
  expect(sent).toHaveBeenCalledTimes(2);
});

test('metadata is refreshed when the clock is set back', async () => {
  const refresh = vi.spyOn(BrokerPool.prototype, 'refreshMetadata').mockResolvedValue();
  const pool = Object.assign(Object.create(BrokerPool.prototype) as BrokerPool, {
    metadata: { topicMetadata: [] },
    metadataMaxAge: 30_000,
    metadataExpireAt: Date.now() + 30_000,
  });
  await pool.refreshMetadataIfNecessary([]);
  expect(refresh).not.toHaveBeenCalled();
  vi.setSystemTime(Date.now() - HOUR);
  await pool.refreshMetadataIfNecessary([]);
  expect(refresh).toHaveBeenCalledTimes(1);
});
