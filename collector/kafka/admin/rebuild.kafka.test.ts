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
/** Frozen, and the raw spans of that day are gone. */
const SENT = NOW - 120 * HOUR;

async function published(clickHouse: ClickHouse): Promise<{ minutes: number; hours: number } | undefined> {
  const [found] = await rows<{ minutes: number; hours: number }>(
    clickHouse,
    `SELECT (SELECT sum(decisions) FROM origin_usage) AS minutes,
       (SELECT sum(decisions) FROM origin_usage_hourly) AS hours`,
  );
  return found;
}

/** Two messages of one slot, ten spans each, consumed and published; their raw spans are gone. */
async function settled(clickHouse: ClickHouse, fixture: Consuming) {
  await fixture.send([
    { ...asProtobuf(request(10, SENT)), timestamp: SENT, partition: 0 },
    { ...asProtobuf(request(10, SENT)), timestamp: SENT + HOUR, partition: 0 },
  ]);
  const consumer = await fixture.start({ now: () => NOW });
  await expect.poll(fixture.unread, patient).toBe(0);
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

  test('a rebuild republishes frozen slots from the topic, with spans that arrived after their raw spans were dropped', async () => {
    const clickHouse = await openTestClickHouse();
    const fixture = await consuming(brokers, clickHouse);
    const { publisher } = await settled(clickHouse, fixture);
    await fixture.send([{ ...asProtobuf(request(5, SENT)), timestamp: SENT + 2 * HOUR, partition: 1 }]);
    await expect.poll(fixture.unread, patient).toBe(0);
    await publisher.tick();
    expect((await publicationState(clickHouse.reading, NOW)).leftOut).toEqual([
      { slot: SENT, spans: 5, decisions: 15 },
    ]);
    expect(await published(clickHouse)).toEqual({ minutes: 60, hours: 60 });

    expect(await rebuilding(clickHouse, fixture)).toMatchObject({
      messages: 3,
      spans: 25,
      conflicting: [],
      replaced: [{ slot: SENT, before: { spans: 20, decisions: 60 }, after: { spans: 25, decisions: 75 } }],
    });
    expect(await published(clickHouse)).toEqual({ minutes: 75, hours: 75 });
    expect(await rebuilding(clickHouse, fixture)).toMatchObject({ replaced: [], unchanged: [SENT] });
  });

  test('a slot whose messages were deleted by retention is left unchanged, unless it may shrink', async () => {
    const clickHouse = await openTestClickHouse();
    const fixture = await consuming(brokers, clickHouse, { partitions: 1 });
    await settled(clickHouse, fixture);
    await withAdmin(brokers, async (admin) => {
      await admin.fetchTopicOffsets(fixture.topic);
      await admin.deleteTopicRecords({ topic: fixture.topic, partitions: [{ partition: 0, offset: '1' }] });
    });
    const change = { slot: SENT, before: { spans: 20, decisions: 60 }, after: { spans: 10, decisions: 30 } };
    expect(await rebuilding(clickHouse, fixture)).toMatchObject({
      messages: 1,
      replaced: [],
      conflicting: [change],
    });
    expect(await published(clickHouse)).toEqual({ minutes: 60, hours: 60 });
    expect(await rebuilding(clickHouse, fixture, true)).toMatchObject({
      replaced: [change],
      conflicting: [],
    });
    expect(await published(clickHouse)).toEqual({ minutes: 30, hours: 30 });
  });

  test('--since resets an idle group to a time, at most 48 hours ago', async () => {
    const clickHouse = await openTestClickHouse();
    const fixture = await consuming(brokers, clickHouse, { partitions: 2 });
    const { topic, group } = fixture;
    const back = (hours: number) =>
      rewind(
        { brokers },
        { topic, group, since: NOW - hours * HOUR, now: NOW, log: pino({ level: 'silent' }) },
      );
    await fixture.send(
      [9, 8, 7, 6].map((hours) => {
        const time = NOW - hours * HOUR;
        return { ...asProtobuf(request(10, time)), timestamp: time, partition: hours % 2 };
      }),
    );
    const first = await fixture.start();
    await expect.poll(fixture.unread, patient).toBe(0);
    await expect(back(5)).rejects.toMatchObject({ code: 'GROUP_ACTIVE' });
    await first.close();

    await expect(back(49)).rejects.toMatchObject({
      code: 'SINCE_TOO_EARLY',
      remedy: expect.stringContaining('originscope rebuild --since'),
    });
    await back(7.5);
    expect(await fixture.unread()).toBe(2);
    const second = await fixture.start();
    await expect.poll(fixture.unread, patient).toBe(0);
    expect(second.counters.messages).toBe(2);
    expect(await kept(clickHouse)).toMatchObject({ spans: 40 });
  });
});
