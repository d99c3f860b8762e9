import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { kafkaAt } from '../../collector/kafka/client/connection.ts';
import { describeKafka } from '../support/kafka-run.ts';

describeKafka('our client', ({ brokers }) => {
  test('sets no timer while nothing is pending', async ({ onTestFinished }) => {
    const admin = kafkaAt({ brokers }, pino({ level: 'silent' })).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    await admin.listTopics();
    await nextTurn();
    const timers = vi.spyOn(globalThis, 'setTimeout');
    onTestFinished(() => timers.mockRestore());
    // As long as fifty of the turns that kafkajs would take.
    const { promise, resolve } = Promise.withResolvers<void>();
    const turn = setInterval(resolve, 50);
    await promise;
    clearInterval(turn);
    expect(timers).not.toHaveBeenCalled();
  });
});
