import { expect, test } from 'vitest';
import { newDatabase, openTestDatabase } from '../../../test/support/clickhouse.ts';
import { startClickHouseServer } from '../../../test/support/clickhouse-server/start.ts';
import { asProtobuf, consuming, kept, request } from '../../../test/support/consuming.ts';
import { describeKafka } from '../../../test/support/kafka-run.ts';

const patient = { timeout: 30_000 };

describeKafka('a consumer whose ClickHouse', ({ brokers }) => {
  test('goes away waits, in its group and without losing or counting twice, and goes on when it is back', async () => {
    const server = await startClickHouseServer();
    const clickHouse = await openTestDatabase(newDatabase(server));
    const { start, send, unread, lines } = await consuming(brokers, clickHouse);
    await send([asProtobuf(request(5))]);
    const { counters, written, isReady } = await start({ sessionTimeoutMillis: 6_000 });
    await expect.poll(unread, patient).toBe(0);
    expect(await isReady()).toBe(true);

    await server.kill();
    await send(Array.from({ length: 30 }, () => asProtobuf(request(5))));
    await expect.poll(() => counters.pauses, patient).toBe(1);
    expect(await isReady()).toBe(false);
    expect(await unread()).toBe(30);
    // Several tries of everything.
    await expect.poll(() => written.failed, patient).toBeGreaterThan(450);

    await server.restart();
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toEqual({ spans: 155, decisions: 465 });
    // One delivery, in one membership.
    expect(lines.map(({ msg }) => msg)).not.toContain('Error when calling eachBatch');
    expect(counters).toMatchObject({
      messages: 31,
      pauses: 1,
      restarts: 0,
      rebalances: 0,
      deadLetters: { ROW_REFUSED: 0 },
    });
    await expect.poll(isReady, patient).toBe(true);
    const said = lines.map(({ msg }) => msg).filter((msg) => msg.includes('rows'));
    expect(said).toEqual([
      'ClickHouse does not accept rows: what was read waits, the rest stays in Kafka',
      'ClickHouse accepts rows again',
    ]);
  });

  test('took the rows and lost the answer counts them once', async () => {
    const server = await startClickHouseServer();
    const clickHouse = await openTestDatabase(newDatabase(server));
    const { start, send, unread } = await consuming(brokers, clickHouse);
    await server.fault({ kind: 'lose_answer', match: 'INSERT INTO decision_spans', times: 2 });
    await send(Array.from({ length: 30 }, () => asProtobuf(request(5))));
    const { written } = await start();
    await expect.poll(unread, patient).toBe(0);
    expect(written.retries).toBeGreaterThan(0);
    expect(await kept(clickHouse)).toEqual({ spans: 150, decisions: 450 });
  });

  test('has no space says so in its readiness, and does what it has in hand when there is some', async () => {
    const server = await startClickHouseServer();
    const clickHouse = await openTestDatabase(newDatabase(server));
    const { start, send, unread } = await consuming(brokers, clickHouse);
    const { missing, written } = await start({ watchMillis: 50 });
    await expect.poll(missing, patient).toEqual([]);
    const full = 'Cannot reserve 1.00 MiB, not enough space';
    await server.fault({
      kind: 'exception',
      match: 'INSERT INTO decision_spans',
      times: null,
      code: 243,
      message: full,
    });
    await send([asProtobuf(request(5))]);
    await expect.poll(missing, patient).toEqual([expect.stringContaining(full)]);
    await server.mend();
    await expect.poll(missing, patient).toEqual([]);
    await expect.poll(unread, patient).toBe(0);
    expect(written.written).toBeGreaterThanOrEqual(5);
    expect(await kept(clickHouse)).toMatchObject({ spans: 5 });
  });

  test('misses a table is waited for: nobody’s messages are set aside for that', async () => {
    const server = await startClickHouseServer();
    const clickHouse = await openTestDatabase(newDatabase(server));
    const { start, send, unread } = await consuming(brokers, clickHouse);
    await clickHouse.publishing.command({ query: 'RENAME TABLE decision_spans TO elsewhere' });
    await send([asProtobuf(request(5))]);
    const { counters, isReady } = await start();
    await expect.poll(() => counters.pauses, patient).toBe(1);
    expect(await isReady()).toBe(false);
    await clickHouse.publishing.command({ query: 'RENAME TABLE elsewhere TO decision_spans' });
    await expect.poll(unread, patient).toBe(0);
    expect(counters).toMatchObject({ messages: 1, deadLetters: { ROW_REFUSED: 0, OTLP_MALFORMED: 0 } });
    expect(await kept(clickHouse)).toMatchObject({ spans: 5 });
  });

  test('is away lets its consumer end, and what was read is read again', async () => {
    const server = await startClickHouseServer();
    const clickHouse = await openTestDatabase(newDatabase(server));
    const { start, send, unread } = await consuming(brokers, clickHouse);
    await server.kill();
    await send([asProtobuf(request(5))]);
    const first = await start({ graceMillis: 50 });
    await expect.poll(() => first.counters.pauses, patient).toBe(1);
    await first.close();
    expect(await unread()).toBe(1);

    await server.restart();
    await start();
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toMatchObject({ spans: 5 });
  });
});
