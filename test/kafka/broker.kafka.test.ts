import { expect, test } from 'vitest';
import { describeKafka, kafkaClient, temporaryTopic } from '../support/kafka-run.ts';

describeKafka('the broker of the tests', ({ brokers }) => {
  test('a group reads what was acknowledged', async ({ onTestFinished }) => {
    const topic = await temporaryTopic(brokers, { partitions: 2 });
    const kafka = kafkaClient(brokers);
    const producer = kafka.producer({ idempotent: true });
    const consumer = kafka.consumer({ groupId: topic });
    onTestFinished(async () => {
      await Promise.all([producer.disconnect(), consumer.disconnect()]);
    });
    await Promise.all([producer.connect(), consumer.connect()]);
    await producer.send({ topic, acks: -1, messages: [{ value: 'hello', partition: 1 }] });
    await consumer.subscribe({ topic, fromBeginning: true });
    const value = await new Promise((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) });
    });
    expect(value).toBe('hello');
  });
});
