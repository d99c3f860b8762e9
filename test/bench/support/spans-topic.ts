import type { Kafka } from 'kafkajs';
import { COMPRESSION_TYPES } from '../../../collector/kafka/client/connection.ts';
import { registerCodecs } from '../../../collector/kafka/client/kafkajs-patches/codecs.ts';
import { protobufBodies } from '../../support/otlp-bodies.ts';

const SPANS_A_MESSAGE = 200;
const MESSAGES_A_SEND = 8;
/** 20 services of 25 instances, each of which reports some 600 spans a minute. */
const INSTANCES = 25;
const SPANS_A_MINUTE = 500 * 600;

/**
 * Fills a topic with the decision spans of 500 instances, in messages as `originscope receive` writes them, at their
 * own pace: the spans' times end now.
 */
export async function fillTopic(
  kafka: Kafka,
  options: { readonly topic: string; readonly partitions: number; readonly spans: number },
): Promise<void> {
  const { topic, partitions, spans } = options;
  registerCodecs();
  const producer = kafka.producer();
  await producer.connect();
  const next = protobufBodies({ instances: INSTANCES });
  const started = Date.now() - (spans / SPANS_A_MINUTE) * 60_000;
  for (let made = 0; made < spans; ) {
    const messages = [];
    for (; messages.length < MESSAGES_A_SEND && made < spans; made += SPANS_A_MESSAGE) {
      messages.push({
        value: next(Math.round(started + (made / SPANS_A_MINUTE) * 60_000)),
        partition: Math.floor(made / SPANS_A_MESSAGE / MESSAGES_A_SEND) % partitions,
        headers: { 'originscope-encoding': 'protobuf' },
      });
    }
    await producer.send({ topic, messages, acks: -1, compression: COMPRESSION_TYPES.zstd });
  }
  await producer.disconnect();
}
