import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { openTestClickHouse, rows } from '../../../test/support/clickhouse.ts';
import { asJson, asProtobuf, consuming, kept, request } from '../../../test/support/consuming.ts';
import { describeKafka, kafkaClient, withAdmin } from '../../../test/support/kafka-run.ts';
import { decisionRequest } from '../../../test/support/otlp-bodies.ts';
import { createWriter } from '../../ingest/writer.ts';
import { acceptedWindow } from '../../otlp/decoding-result.ts';
import { createPublisher } from '../../publication/publisher.ts';
import { decodeMessage } from '../client/message.ts';
import { COMPRESSIONS } from '../client/options.ts';
import { positionsOf } from '../client/positions.ts';
import { noConsumerCounts } from './consumer-counters.ts';
import { startGroupConsumer } from './group-consumer.ts';

const HOUR = 3_600_000;
const patient = { timeout: 30_000 };

describeKafka('consuming', ({ brokers }) => {
  test('messages of both encodings, with or without header, and of every codec become rows once', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread } = await consuming(brokers, clickHouse);
    for (const compression of COMPRESSIONS) {
      const [named, guessed] = [request(10), request(10)];
      const messages = [named, guessed].flatMap((body) => [asProtobuf(body), asJson(body)]);
      await send(
        messages.map((message, index) => (index < 2 ? message : { body: message.body })),
        compression,
      );
    }
    const { counters, written } = await start();
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toEqual({ spans: 100, decisions: 300 });
    expect(counters).toMatchObject({ messages: 20, spans: { accepted: 200, passedOver: 0 } });
    // Messages of several partitions share inserts.
    expect(written.inserts).toBeLessThan(20);
  });

  test('a batch that a Collector resends, split differently, counts once', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread } = await consuming(brokers, clickHouse);
    const spans = request(60).resourceSpans?.[0]?.scopeSpans?.[0]?.spans ?? [];
    await send(
      [spans, spans.slice(0, 25), spans.slice(20), spans].map((part) => asProtobuf(decisionRequest(part))),
    );
    await start();
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toEqual({ spans: 60, decisions: 180 });
  });

  test('a consumer whose clock is an hour off accepts messages that the broker received now', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread } = await consuming(brokers, clickHouse, {
      config: { 'message.timestamp.type': 'LogAppendTime' },
    });
    const behind = await start({ now: () => Date.now() - HOUR });
    await send([asProtobuf(request(10))], 'zstd');
    await expect.poll(unread, patient).toBe(0);
    await behind.close();
    const ahead = await start({ now: () => Date.now() + HOUR });
    await send([asProtobuf(request(10))], 'none');
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toMatchObject({ spans: 20 });
    for (const { counters } of [behind, ahead]) {
      expect(counters.spans).toMatchObject({ accepted: 10, rejected: noConsumerCounts().spans.rejected });
    }
  });

  test('a crash between insert and commit, and errors that stop kafkajs, change no count', async () => {
    const clickHouse = await openTestClickHouse();
    const { topic, group, send, unread } = await consuming(brokers, clickHouse, { partitions: 1 });
    await send(Array.from({ length: 8 }, () => asProtobuf(request(5))));
    const writer = createWriter({ client: clickHouse.writing, now: Date.now, lingerMillis: 1 });
    const kafka = kafkaClient(brokers);
    const errors = [new Error('crash'), new TypeError('a mistake')];
    const taken: string[] = [];
    const counters = noConsumerCounts();
    const consumer = await startGroupConsumer({
      ...{ kafka, topic, group, counters, sessionTimeoutMillis: 10_000, restartMillis: 10, graceMillis: 50 },
      positions: positionsOf(kafka, { topic, group }),
      log: pino({ level: 'silent' }),
      async take({ message }) {
        await writer.write(decodeMessage(message, acceptedWindow(Date.now())).spans);
        taken.push(message.offset);
        // The rows are stored, and their offset is not committed.
        const error = message.offset === '5' ? errors.shift() : undefined;
        if (error !== undefined) throw error;
      },
    });
    onTestFinished(() => consumer.stop());
    await expect.poll(unread, patient).toBe(0);
    expect(taken.filter((offset) => offset === '5')).toHaveLength(3);
    expect(counters).toMatchObject({ restarts: 1, lost: 0 });
    expect(await kept(clickHouse)).toEqual({ spans: 40, decisions: 120 });
  });

  test('a second consumer joins and the first one leaves under load: nothing is lost or counted twice', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread } = await consuming(brokers, clickHouse, { partitions: 6 });
    let sent = 0;
    const some = async (): Promise<void> => {
      await send(
        Array.from({ length: 20 }, () => asProtobuf(request(5))),
        'zstd',
      );
      sent += 100;
    };
    await some();
    const first = await start();
    let isOver = false;
    const loading = (async () => {
      while (!isOver) await some();
    })();
    await expect.poll(() => first.counters.messages, patient).toBeGreaterThan(50);
    const second = await start();
    await expect.poll(() => second.counters.messages, patient).toBeGreaterThan(50);
    await first.close();
    isOver = true;
    await loading;
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toEqual({ spans: sent, decisions: sent * 3 });
    expect(first.counters.rebalances).toBeGreaterThan(0);
  });

  test('a lagging consumer validates times by the record, and publishes the added spans', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread } = await consuming(brokers, clickHouse, { partitions: 1 });
    const now = Math.floor(Date.now() / HOUR) * HOUR;
    const sentAt = now - 100 * HOUR;
    const published = async () => {
      const publisher = createPublisher({
        client: clickHouse.publishing,
        now: () => now,
        republishMillis: 0,
        readerGraceMillis: 0,
      });
      await publisher.tick();
      const [found] = await rows<{ minutes: number; hours: number }>(
        clickHouse,
        `SELECT (SELECT sum(decisions) FROM origin_usage) AS minutes,
           (SELECT sum(decisions) FROM origin_usage_hourly) AS hours`,
      );
      return found;
    };
    await send([{ ...asProtobuf(request(10, sentAt - HOUR)), timestamp: sentAt }]);
    await start({ now: () => now });
    await expect.poll(unread, patient).toBe(0);
    expect(await published()).toEqual({ minutes: 30, hours: 30 });

    // The slot is published; one more message was in transit, and one was late when it was sent.
    await send([
      { ...asProtobuf(request(5, sentAt - HOUR)), timestamp: sentAt + HOUR },
      { ...asProtobuf(request(2, sentAt - 60 * HOUR)), timestamp: sentAt },
    ]);
    await expect.poll(unread, patient).toBe(0);
    expect(await published()).toEqual({ minutes: 45, hours: 45 });
  });

  test('messages deleted by retention before they were read are logged and counted', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread, lines, topic } = await consuming(brokers, clickHouse, { partitions: 1 });
    await send([asProtobuf(request(5)), asProtobuf(request(5))]);
    const before = await start();
    await expect.poll(unread, patient).toBe(0);
    await before.close();

    await send(Array.from({ length: 7 }, () => asProtobuf(request(5))));
    await withAdmin(brokers, async (admin) => {
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    });
    const after = await start();
    await expect.poll(unread, patient).toBe(0);
    expect(after.counters).toMatchObject({ messages: 3, lost: 4 });
    expect(lines.filter(({ level }) => level === 50)).toMatchObject([{ partition: 0, from: 2, lost: 4 }]);
    expect(await kept(clickHouse)).toMatchObject({ spans: 25 });
  });

  test('raw days are kept while the group has unread messages from before', async () => {
    const { send, start, unread, topic, group } = await consuming(brokers, await openTestClickHouse(), {
      partitions: 2,
    });
    const { hasRead } = positionsOf(kafkaClient(brokers), { topic, group });
    const time = Date.now() - 10 * HOUR;
    expect(await hasRead(time)).toBe(true);
    await send([{ ...asProtobuf(request(1, time)), timestamp: time, partition: 1 }]);
    expect(await hasRead(time)).toBe(true);
    expect(await hasRead(time + 1)).toBe(false);
    await start();
    await expect.poll(unread, patient).toBe(0);
    expect(await hasRead(time + 1)).toBe(true);
  });
});
