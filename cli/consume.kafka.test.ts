import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isReadyAt } from '../test/chaos/victim.ts';
import { newDatabase, openTestDatabase } from '../test/support/clickhouse.ts';
import { startClickHouseServer } from '../test/support/clickhouse-server/start.ts';
import { asProtobuf, consuming, kept, request } from '../test/support/consuming.ts';
import { freePort } from '../test/support/free-port.ts';
import { describeKafka } from '../test/support/kafka-run.ts';
import { runOriginscope } from '../test/support/originscope.ts';
import { start } from '../test/support/process.ts';

const BIN = join(import.meta.dirname, 'bin.ts');
const patient = { timeout: 30_000 };

describeKafka('originscope consume', ({ brokers }) => {
  test('writes to a server, tells how it is, ends when it is told, and its dead letters are listed and replayed', async () => {
    const url = newDatabase(await startClickHouseServer());
    const clickHouse = await openTestDatabase(url);
    const { topic, deadLetterTopic, group, send, unread } = await consuming(brokers, clickHouse);
    const args = ['--brokers', brokers.join(','), '--topic', topic, '--dead-letter-topic', deadLetterTopic];
    args.push('--group', group);
    await send([
      { ...asProtobuf(request(5)), partition: 1 },
      { body: Buffer.from('?'), partition: 0 },
    ]);

    const consumer = start(process.execPath, [
      ...[BIN, 'consume', ...args, '--clickhouse', url, '--metrics-port', '0'],
    ]);
    const said = await consumer.line();
    const monitor = /(http:\S+)\/readyz/.exec(said)?.[1];
    await expect.poll(unread, patient).toBe(0);
    expect(await kept(clickHouse)).toMatchObject({ spans: 5 });
    await expect.poll(async () => (await fetch(`${monitor}/readyz`)).status, patient).toBe(200);
    const metrics = await (await fetch(`${monitor}/metrics`)).text();
    expect(metrics).toContain('originscope_consumer_messages_total 2');
    expect(metrics).toContain('originscope_writer_spans_total{outcome="written"} 5');
    expect(metrics).toContain('cors_decisions_total{service="checkout"');
    const health = await (await fetch(`${monitor}/healthz`)).json();
    expect(health).toMatchObject({ consumer: { messages: 2, lag: {} }, writer: { written: 5 } });
    consumer.kill('SIGTERM');
    const { code, stderr } = await consumer.ended;
    expect(code).toBe(0);
    // None for its messages.
    const lines = stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { msg: string; level: number });
    expect(lines.filter(({ level, msg }) => level > 40 || msg.includes('ending'))).toEqual([]);

    const listed = await runOriginscope(['dead-letters', 'list', '--json', ...args]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      total: 1,
      letters: [{ reason: 'OTLP_MALFORMED', from: `${topic} 0 0`, bytes: 1 }],
    });
    const replayed = await runOriginscope(['dead-letters', 'replay', ...args]);
    expect(replayed).toMatchObject({ code: 0, stdout: `1 dead letter sent to ${topic} again\n` });
    expect(await unread()).toBe(1);

    const rebuilt = await runOriginscope([
      ...['rebuild', '--since', '1h', '--until', '0s', '--json', '--brokers', brokers.join(',')],
      ...['--topic', topic, '--clickhouse', url],
    ]);
    expect(JSON.parse(rebuilt.stdout)).toMatchObject({ messages: 3, malformed: 2, spans: 5, written: 5 });
  });

  test('waits, unready, for servers that do not answer yet, and ends when it is told meanwhile', async () => {
    const server = await startClickHouseServer();
    const url = newDatabase(server);
    const { topic, deadLetterTopic, group } = await consuming(brokers, await openTestDatabase(url));
    const begin = async (at: readonly string[]) => {
      const port = await freePort();
      const args = ['--brokers', at.join(','), '--topic', topic, '--dead-letter-topic', deadLetterTopic];
      args.push('--group', group, '--clickhouse', url, '--metrics-port', String(port));
      const consumer = start(process.execPath, [BIN, 'consume', ...args]);
      return {
        consumer,
        isReady: isReadyAt(port),
        status: () => statusOf(`http://127.0.0.1:${port}/readyz`),
      };
    };

    await server.kill();
    const early = await begin(brokers);
    await expect.poll(early.status, patient).toBe(503);
    await server.restart();
    await expect.poll(early.isReady, patient).toBe(true);
    early.consumer.kill('SIGTERM');
    expect(await early.consumer.ended).toMatchObject({ code: 0 });

    const lonely = await begin([`127.0.0.1:${await freePort()}`]);
    await expect.poll(lonely.status, patient).toBe(503);
    lonely.consumer.kill('SIGTERM');
    expect(await lonely.consumer.ended).toMatchObject({ code: 0 });
  });

  test('says what is missing: a server, a schema, a topic', async () => {
    const url = newDatabase(await startClickHouseServer());
    const consume = ['consume', '--brokers', brokers.join(','), '--metrics-port', '0'];
    const say = async (...args: string[]) => {
      const { code, stderr } = await runOriginscope([...consume, ...args]);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await say()).toContain('--clickhouse');
    expect(await say('--clickhouse', url)).toContain(' migrate"');
    await openTestDatabase(url);
    expect(await say('--clickhouse', url, '--topic', randomUUID())).toContain(' topics create');
    expect(await say('--clickhouse', url, '--since', '49h')).toContain(' rebuild --since');
  });
});

/** 0 while there is no answer. */
function statusOf(url: string): Promise<number> {
  return fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
}
