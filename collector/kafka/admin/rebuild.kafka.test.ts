import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ClickHouse } from '../../../clickhouse/connection.ts';
import { RETENTION } from '../../../clickhouse/retention.ts';
import { publicationState } from '../../../reports/publication-state.ts';
import { openTestClickHouse, rows } from '../../../test/support/clickhouse.ts';
import { asProtobuf, type Consuming, consuming, kept, request } from '../../../test/support/consuming.ts';
import { describeKafka, kafkaClient, withAdmin } from '../../../test/support/kafka-run.ts';
import { DERIVATION_RULES } from '../../otlp/decode.ts';
import { createPublisher } from '../../publication/publisher.ts';
import { rebuild } from './rebuild.ts';
import { rewind } from './rewind.ts';

const HOUR = 3_600_000;
const patient = { timeout: 30_000 };
const NOW = Math.floor(Date.now() / HOUR) * HOUR;
/** Frozen, and raw spans of that day are gone. */
const SENT = NOW - 120 * HOUR;

async function published(clickHouse: ClickHouse): Promise<{ minutes: number; hours: number } | undefined> {
  const [found] = await rows<{ minutes: number; hours: number }>(
    clickHouse,
    `SELECT (SELECT sum(decisions) FROM origin_usage) AS minutes,
       (SELECT sum(decisions) FROM origin_usage_hourly) AS hours`,
  );
  return found;
}

/** Two messages of one slot, ten spans each, that were read and published; their raw spans are gone since. */
async function settled(clickHouse: ClickHouse, house: Consuming) {
  await house.send([
    { ...asProtobuf(request(10, SENT)), timestamp: SENT, partition: 0 },
    { ...asProtobuf(request(10, SENT)), timestamp: SENT + HOUR, partition: 0 },
  ]);
  const consumer = await house.start({ now: () => NOW });
  await expect.poll(house.unread, patient).toBe(0);
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now: () => NOW,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
  await publisher.tick();
  await publisher.clean();
  expect(await kept(clickHouse)).toMatchObject({ spans: 0 });
  expect(await published(clickHouse)).toEqual({ minutes: 60, hours: 60 });
  return { consumer, publisher };
}

describeKafka('reading again', ({ brokers }) => {
  const rebuilding = (clickhouse: ClickHouse, { topic }: Consuming, mayShrink = false) =>
    rebuild({
      ...{ kafka: kafkaClient(brokers), topic, clickhouse, mayShrink, retention: RETENTION },
      rules: DERIVATION_RULES,
      since: SENT,
      until: SENT + HOUR,
      now: () => NOW,
    });

  test('a rebuild publishes frozen slots anew from the topic, with what came after their raw spans had gone', async () => {
    const clickHouse = await openTestClickHouse();
    const house = await consuming(brokers, clickHouse);
    const { publisher } = await settled(clickHouse, house);
    await house.send([{ ...asProtobuf(request(5, SENT)), timestamp: SENT + 2 * HOUR, partition: 1 }]);
    await expect.poll(house.unread, patient).toBe(0);
    await publisher.tick();
    expect((await publicationState(clickHouse.reading, NOW)).leftOut).toEqual([
      { slot: SENT, spans: 5, decisions: 15 },
    ]);
    expect(await published(clickHouse)).toEqual({ minutes: 60, hours: 60 });

    expect(await rebuilding(clickHouse, house)).toMatchObject({
      messages: 3,
      spans: 25,
      refused: [],
      replaced: [{ slot: SENT, before: { spans: 20, decisions: 60 }, after: { spans: 25, decisions: 75 } }],
    });
    expect(await published(clickHouse)).toEqual({ minutes: 75, hours: 75 });
    expect(await rebuilding(clickHouse, house)).toMatchObject({ replaced: [], unchanged: [SENT] });
  });

  test('a slot whose messages retention has eaten is left alone, unless somebody consents', async () => {
    const clickHouse = await openTestClickHouse();
    const house = await consuming(brokers, clickHouse, { partitions: 1 });
    await settled(clickHouse, house);
    await withAdmin(brokers, async (admin) => {
      await admin.fetchTopicOffsets(house.topic);
      await admin.deleteTopicRecords({ topic: house.topic, partitions: [{ partition: 0, offset: '1' }] });
    });
    const change = { slot: SENT, before: { spans: 20, decisions: 60 }, after: { spans: 10, decisions: 30 } };
    expect(await rebuilding(clickHouse, house)).toMatchObject({
      messages: 1,
      replaced: [],
      refused: [change],
    });
    expect(await published(clickHouse)).toEqual({ minutes: 60, hours: 60 });
    expect(await rebuilding(clickHouse, house, true)).toMatchObject({ replaced: [change], refused: [] });
    expect(await published(clickHouse)).toEqual({ minutes: 30, hours: 30 });
  });

  test('--since sets an idle group back to a time, at most 48 hours ago', async () => {
    const clickHouse = await openTestClickHouse();
    const house = await consuming(brokers, clickHouse, { partitions: 2 });
    const { topic, group } = house;
    const back = (hours: number) =>
      rewind(
        { brokers },
        { topic, group, since: NOW - hours * HOUR, now: NOW, log: pino({ level: 'silent' }) },
      );
    await house.send(
      [9, 8, 7, 6].map((hours) => {
        const time = NOW - hours * HOUR;
        return { ...asProtobuf(request(10, time)), timestamp: time, partition: hours % 2 };
      }),
    );
    const first = await house.start();
    await expect.poll(house.unread, patient).toBe(0);
    await expect(back(5)).rejects.toMatchObject({ code: 'GROUP_ACTIVE' });
    await first.close();

    await expect(back(49)).rejects.toMatchObject({
      code: 'SINCE_TOO_EARLY',
      remedy: expect.stringContaining('originscope rebuild --since'),
    });
    await back(7.5);
    expect(await house.unread()).toBe(2);
    const second = await house.start();
    await expect.poll(house.unread, patient).toBe(0);
    expect(second.counters.messages).toBe(2);
    expect(await kept(clickHouse)).toMatchObject({ spans: 40 });
  });
});
