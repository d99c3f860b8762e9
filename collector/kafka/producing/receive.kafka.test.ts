import { expect, test } from 'vitest';
import { request } from '../../../test/support/consuming.ts';
import { describeKafka, temporaryTopic, withAdmin } from '../../../test/support/kafka-run.ts';
import { messagesIn } from '../../../test/support/messages-in.ts';
import { encodeRequest } from '../../../test/support/otlp-schema.ts';
import { postTraces, receiving } from '../../../test/support/receiving.ts';
import { acceptedWindow } from '../../otlp/decoding-result.ts';
import { decodeMessage, encodingOf } from '../client/message.ts';
import { COMPRESSIONS } from '../client/options.ts';

describeKafka('receive', ({ brokers }) => {
  const kafka = { brokers };

  test.each(COMPRESSIONS)(
    'a body of either encoding is one message, byte by byte (%s)',
    async (compression) => {
      const topic = await temporaryTopic(brokers);
      const { url } = await receiving({ kafka, topic, compression });
      const bodies = {
        protobuf: encodeRequest(request(20)),
        json: Buffer.from(JSON.stringify(request(20))),
      };
      for (const encoding of ['protobuf', 'json'] as const) {
        const answer = await postTraces(url, bodies[encoding], encoding);
        expect(answer.status).toBe(200);
      }
      const messages = await messagesIn(brokers, topic);
      expect(messages.map(({ headers }) => encodingOf(headers))).toEqual(['protobuf', 'json']);
      expect(messages.map(({ value }) => value)).toEqual([bodies.protobuf, bodies.json]);
    },
  );

  test('bodies without relevant spans, or that are not OTLP, are not produced', async () => {
    const topic = await temporaryTopic(brokers);
    const { url, counters } = await receiving({ kafka, topic });
    expect((await postTraces(url, Buffer.from('no otlp'))).status).toBe(400);
    expect((await postTraces(url, encodeRequest({ resourceSpans: [] }))).status).toBe(200);
    const old = Buffer.from(JSON.stringify(request(1, Date.now() - 50 * 3_600_000)));
    const answer = await postTraces(url, old, 'json');
    expect(await answer.json()).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
    expect(await messagesIn(brokers, topic)).toEqual([]);
    expect(counters.requests).toMatchObject({ accepted: 2, malformed: 1 });
  });

  test('concurrent requests share batches, which are spread over all partitions', async () => {
    const topic = await temporaryTopic(brokers, { partitions: 4 });
    const { url, produced } = await receiving({ kafka, topic });
    const sent: string[] = [];
    for (let round = 0; round < 8; round++) {
      const bodies = Array.from({ length: 50 }, () => encodeRequest(request(1)));
      sent.push(...bodies.map((body) => body.toString('hex')));
      const answers = await Promise.all(bodies.map((body) => postTraces(url, body)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
    }
    expect(produced).toMatchObject({ written: 400, failed: 0 });
    expect(produced.inserts).toBeLessThan(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('originscope_producer_messages_total{outcome="written"} 400');
    const messages = await messagesIn(brokers, topic);
    expect(messages.map(({ value }) => value?.toString('hex')).sort()).toEqual(sent.sort());
    expect(new Set(messages.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]));
  });

  test.each(['protobuf', 'json'] as const)(
    'a body over the limit of the topic is split (%s), one with a larger span is rejected',
    async (encoding) => {
      const topic = await temporaryTopic(brokers, { config: { 'max.message.bytes': '20000' } });
      const { url, counters } = await receiving({ kafka, topic, compression: 'none' });
      const large = request(200);
      const encode = (traces: typeof large): Buffer =>
        encoding === 'json' ? Buffer.from(JSON.stringify(traces)) : encodeRequest(traces);
      expect(encode(large).length).toBeGreaterThan(60_000);
      expect((await postTraces(url, encode(large), encoding)).status).toBe(200);
      const messages = await messagesIn(brokers, topic);
      expect(messages.length).toBeGreaterThan(3);
      const spans = messages.flatMap((message) => decodeMessage(message, acceptedWindow(Date.now())).spans);
      expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(200);

      const huge = request(1);
      huge.resourceSpans?.[0]?.resource?.attributes?.push({
        key: 'process.command_line',
        value: { stringValue: 'x'.repeat(20_000) },
      });
      const answer = await postTraces(url, encode(huge), encoding);
      expect(answer.status).toBe(413);
      expect(await answer.text()).toContain('raise max.message.bytes of the topic');
      expect(counters.requests.tooLarge).toBe(1);
    },
  );

  test('a limit that was lowered is a 413 at first, and then the body is split', async () => {
    const topic = await temporaryTopic(brokers);
    const { url } = await receiving({ kafka, topic, compression: 'none' });
    const body = encodeRequest(request(200));
    expect((await postTraces(url, body)).status).toBe(200);
    await withAdmin(brokers, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: topic, configEntries: [{ name: 'max.message.bytes', value: '20000' }] }],
      }),
    );
    await expect.poll(async () => (await postTraces(url, body)).status, { timeout: 10_000 }).toBe(200);
  });

  test('a missing topic fails the start with the command that creates it', async () => {
    await expect(receiving({ kafka, topic: 'no_such_topic' })).rejects.toThrow(
      expect.objectContaining({
        code: 'TOPIC_MISSING',
        message: 'Kafka has no topic no_such_topic',
        remedy: expect.stringContaining('originscope topics create'),
      }),
    );
  });

  test('pending requests are answered on close, and are in the topic', async () => {
    const topic = await temporaryTopic(brokers, { partitions: 2 });
    const { url, close } = await receiving({ kafka, topic });
    const answers = Promise.all(
      Array.from({ length: 40 }, async () =>
        postTraces(url, encodeRequest(request(1))).then(
          ({ status }) => status,
          () => 0,
        ),
      ),
    );
    await close();
    const taken = (await answers).filter((status) => status === 200).length;
    expect(await messagesIn(brokers, topic)).toHaveLength(taken);
  });
});
