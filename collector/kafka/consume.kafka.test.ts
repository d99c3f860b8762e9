import { expect, test } from 'vitest';
import { openTestClickHouse } from '../../test/support/clickhouse.ts';
import { asJson, asProtobuf, consuming, kept, request } from '../../test/support/consuming.ts';
import { describeKafka } from '../../test/support/kafka-run.ts';
import { COMPRESSIONS } from './connection.ts';

describeKafka('consuming', ({ brokers }) => {
  test('messages of both encodings, named or not, and of every codec become rows once', async () => {
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
    await expect.poll(unread, { timeout: 20_000 }).toBe(0);
    expect(await kept(clickHouse)).toEqual({ spans: 100, decisions: 300 });
    expect(counters).toMatchObject({ messages: 20, spans: { accepted: 200, passedOver: 0 } });
    expect(written.inserts).toBeLessThan(20);
  });
});
