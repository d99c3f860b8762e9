import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { COMPRESSION_TYPES } from '../../collector/kafka/client/connection.ts';
import { registerCodecs } from '../../collector/kafka/client/kafkajs-patches/codecs.ts';
import { COMPRESSIONS } from '../../collector/kafka/client/options.ts';
import { describeKafka, kafkaClient, temporaryTopic } from '../support/kafka-run.ts';
import { recordsOf } from '../support/record-batches.ts';

const MESSAGES = join(import.meta.dirname, '../fixtures/collector-messages');

beforeAll(registerCodecs);

describeKafka('a broker takes what our codecs compress, and gives it back', ({ brokers }) => {
  test.for(COMPRESSIONS)('%s', async (compression, { onTestFinished }) => {
    const captured = await Promise.all(
      ['otlp_proto', 'otlp_json'].map((encoding) =>
        recordsOf(readFileSync(join(MESSAGES, `${encoding}-none.batches`))),
      ),
    );
    const values = captured.flat().map(({ value }) => value);
    const topic = await temporaryTopic(brokers);
    const kafka = kafkaClient(brokers);
    const producer = kafka.producer();
    const consumer = kafka.consumer({ groupId: topic });
    onTestFinished(async () => {
      await Promise.all([producer.disconnect(), consumer.disconnect()]);
    });
    await Promise.all([producer.connect(), consumer.connect()]);
    await producer.send({
      topic,
      acks: -1,
      compression: COMPRESSION_TYPES[compression],
      messages: values.map((value) => ({ value })),
    });
    await consumer.subscribe({ topic, fromBeginning: true });
    const read: (Buffer | null)[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          if (read.push(message.value) === values.length) resolve();
        },
      });
    });
    expect(read).toEqual(values);
  });
});
