import { expect, test } from 'vitest';
import { openTestClickHouse } from '../../../test/support/clickhouse.ts';
import { asProtobuf, consuming, kept, request } from '../../../test/support/consuming.ts';
import { describeKafka, kafkaClient, withAdmin } from '../../../test/support/kafka-run.ts';
import { ALLOWED, decisionRequest, decisionSpan } from '../../../test/support/otlp-bodies.ts';
import { ENCODING_HEADER } from '../client/message.ts';
import { listDeadLetters, replayDeadLetters } from './replay.ts';

const HOUR = 3_600_000;
const patient = { timeout: 30_000 };
const POISON = 'https://poison.example';

describeKafka('dead letters', ({ brokers }) => {
  test('messages that cannot be read or stored go to the dead-letter topic, with reason and origin, and the rest is stored', async () => {
    const clickHouse = await openTestClickHouse();
    await clickHouse.writing.command({
      query: `ALTER TABLE decision_spans ADD CONSTRAINT taste CHECK origin != '${POISON}'`,
    });
    const { start, send, unread, topic, deadLetterTopic, group } = await consuming(brokers, clickHouse, {
      partitions: 1,
    });
    const poison = decisionRequest([
      decisionSpan('00000000000000aa', Date.now(), { ...ALLOWED, 'cors.origin': POISON }),
    ]);
    const sentAt = Date.now() - HOUR;
    await send([
      asProtobuf(request(5)),
      { body: Buffer.from('{"no": otlp\u001b[31m'), timestamp: sentAt, headers: { traceparent: 'kept' } },
      asProtobuf(request(5)),
      asProtobuf(poison),
      asProtobuf(request(5)),
    ]);
    const { counters } = await start();
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toMatchObject({ spans: 15 });
    expect(counters).toMatchObject({
      messages: 5,
      spans: { accepted: 15 },
      deadLetters: { OTLP_MALFORMED: 1, ROW_REFUSED: 1 },
    });

    const kafka = kafkaClient(brokers);
    const { letters, ...counts } = await listDeadLetters({ kafka, deadLetterTopic, group, limit: 10 });
    expect(counts).toEqual({ total: 2, waiting: 2 });
    expect(letters).toMatchObject([
      { reason: 'OTLP_MALFORMED', writtenAt: sentAt, from: `${topic} 0 1`, isReplayed: false },
      { reason: 'ROW_REFUSED', from: `${topic} 0 3`, message: expect.stringContaining('taste') },
    ]);
    expect(letters[0]?.message).toMatch(/^The body is not a valid OTLP trace export request: \P{Cc}+$/u);
    expect(await listDeadLetters({ kafka, deadLetterTopic, group, limit: 1 })).toMatchObject({
      total: 2,
      letters: [{ reason: 'ROW_REFUSED' }],
    });
  });

  test('a dead letter is replayed once, with its original timestamp', async () => {
    const clickHouse = await openTestClickHouse();
    const refusing = `ALTER TABLE decision_spans ADD CONSTRAINT taste CHECK origin = '${POISON}'`;
    await clickHouse.writing.command({ query: refusing });
    const { start, send, unread, topic, deadLetterTopic, group } = await consuming(brokers, clickHouse);
    const now = Date.now();
    // Its spans were recent when it was sent, and are older than 48 hours now.
    const aged = { ...asProtobuf(request(4, now - 50 * HOUR)), timestamp: now - 20 * HOUR };
    const ancient = { ...asProtobuf(request(4, now - 60 * HOUR)), timestamp: now - 59 * HOUR };
    await send([asProtobuf(request(3)), aged, ancient]);
    const { counters } = await start();
    await expect.poll(unread, patient).toBe(0);
    await send([{ body: Buffer.from('?') }]);
    await expect.poll(unread, patient).toBe(0);
    expect(counters.deadLetters).toMatchObject({ ROW_REFUSED: 3, OTLP_MALFORMED: 1 });
    await clickHouse.writing.command({ query: 'ALTER TABLE decision_spans DROP CONSTRAINT taste' });

    const kafka = kafkaClient(brokers);
    const options = { kafka, topic, deadLetterTopic, group, compression: 'zstd', now } as const;
    expect(await replayDeadLetters({ ...options, limit: 3 })).toEqual({
      replayed: 2,
      tooOld: 1,
      withoutBody: [],
      batches: [],
      waiting: 1,
    });
    expect(await replayDeadLetters({ ...options, limit: 100 })).toMatchObject({ replayed: 1, waiting: 0 });
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toMatchObject({ spans: 7 });

    // The unreadable message became another dead letter; none of the others is pending.
    const { letters, waiting } = await listDeadLetters({ kafka, deadLetterTopic, group, limit: 10 });
    expect(waiting).toBe(1);
    expect(letters.filter(({ isReplayed }) => !isReplayed)).toMatchObject([{ reason: 'OTLP_MALFORMED' }]);
  });

  test('a message that is too large for the dead-letter topic is recorded there by its position', async () => {
    const clickHouse = await openTestClickHouse();
    const { start, send, unread, topic, deadLetterTopic, group } = await consuming(brokers, clickHouse);
    await withAdmin(brokers, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: 2,
            name: deadLetterTopic,
            configEntries: [{ name: 'max.message.bytes', value: '2000' }],
          },
        ],
      }),
    );
    // Practically incompressible.
    const body = Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * 7919 * (n >> 3)) & 0xff));
    await send([{ body, partition: 2, headers: { [ENCODING_HEADER]: 'protobuf' } }]);
    await start();
    await expect.poll(unread, patient).toBe(0);
    const kafka = kafkaClient(brokers);
    const { letters } = await listDeadLetters({ kafka, deadLetterTopic, group, limit: 10 });
    expect(letters).toMatchObject([{ from: `${topic} 2 0`, bytes: undefined }]);
    expect(
      await replayDeadLetters({
        ...{ kafka, topic, deadLetterTopic, group, compression: 'none', now: Date.now(), limit: 10 },
      }),
    ).toMatchObject({ replayed: 0, withoutBody: [{ from: `${topic} 2 0` }] });
  });
});
