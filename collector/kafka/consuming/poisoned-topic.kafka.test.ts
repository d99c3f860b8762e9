import { join } from 'node:path';
import { CompressionTypes } from 'kafkajs';
import { expect, test } from 'vitest';
import { newDatabase, openTestDatabase } from '../../../test/support/clickhouse.ts';
import { startClickHouseServer } from '../../../test/support/clickhouse-server/start.ts';
import { asJson, asProtobuf, consuming, kept, request, type Sent } from '../../../test/support/consuming.ts';
import { describeKafka, kafkaClient } from '../../../test/support/kafka-run.ts';
import { runOriginscope } from '../../../test/support/originscope.ts';
import { start } from '../../../test/support/process.ts';
import { produceRaw, rawBatch } from '../../../test/support/raw-batches.ts';
import { READING_LIMITS } from '../client/kafkajs-patches/reading-limits.ts';
import type { Compression } from '../client/options.ts';
import { listDeadLetters } from '../dead-letters/replay.ts';

const BIN = join(import.meta.dirname, '../../../cli/bin.ts');
const MIB = 1024 ** 2;
const CONTAINER_BYTES = 512 * MIB;
const PARTITIONS = 3;
const MANY = 60_000;
const patient = { timeout: 120_000, interval: 500 };

/** Node's heap limit in a container of 512 MiB; on exit it prints its peak memory. */
const CONTAINED = [
  '--max-old-space-size=256',
  '--import',
  `data:text/javascript,process.on('exit', () => console.error('peak KiB', process.resourceUsage().maxRSS))`,
];

const peakOf = (stderr: string): number => Number(/peak KiB (\d+)/.exec(stderr)?.[1]) * 1024;

type Codec = Exclude<Compression, 'none'>;
const TYPES = {
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const satisfies Record<Codec, CompressionTypes>;

describeKafka('a topic full of decompression bombs', ({ brokers }) => {
  test('a consumer with 512 MiB reads to its end, counts valid messages, and reports invalid batches', {
    timeout: 240_000,
  }, async () => {
    const url = newDatabase(await startClickHouseServer());
    const clickHouse = await openTestDatabase(url);
    const { topic, deadLetterTopic, group, send, unread } = await consuming(brokers, clickHouse, {
      partitions: PARTITIONS,
      config: { 'max.message.bytes': String(8 * MIB) },
    });
    const sent = { good: 0, spans: 0, bad: 0 };
    const good = async (message: Sent, spans: number, codec: Compression): Promise<void> => {
      await send([{ ...message, partition: sent.good % PARTITIONS }], codec);
      sent.good++;
      sent.spans += spans;
    };
    const bad = async (batch: Buffer): Promise<void> => {
      await produceRaw(brokers[0] ?? '', { topic, partition: sent.bad % PARTITIONS, batch });
      sent.bad++;
    };

    for (const [codec, type] of Object.entries(TYPES)) {
      const bomb = await rawBatch(type, [{ valueBytes: 24 * MIB }]);
      for (let n = 0; n < 20; n++) {
        await bad(bomb);
        if (n % 4 === 0) await good(asProtobuf(request(5)), 5, codec as Codec);
      }
      await bad(await rawBatch(type, Array(MANY).fill({})));
      await bad(await rawBatch(type, [{ headers: MANY }]));
      await good(asProtobuf(request(5)), 5, codec as Codec);
    }
    // The maximum number of messages in a batch, all empty.
    await produceRaw(brokers[0] ?? '', {
      ...{ topic, partition: 0 },
      batch: await rawBatch(CompressionTypes.ZSTD, Array(READING_LIMITS.batchEntries).fill({})),
    });
    // The maximum that a receiver accepts, in no more space in the topic than the others.
    for (let n = 0; n < 12; n++) await good(padded(7.8 * MIB), 1, 'zstd');

    const args = ['--brokers', brokers.join(','), '--topic', topic, '--dead-letter-topic', deadLetterTopic];
    const own = [
      ...args,
      '--group',
      group,
      '--clickhouse',
      url,
      '--metrics-port',
      '0',
      '--session-timeout',
      '10',
    ];
    const consumer = start(process.execPath, [...CONTAINED, BIN, 'consume', ...own]);
    const monitor = /(http:\S+)\/readyz/.exec(await consumer.line())?.[1];
    await Promise.race([consumer.ended, expect.poll(unread, patient).toBe(0)]);
    const metrics = await (await fetch(`${monitor}/metrics`)).text();
    consumer.kill('SIGTERM');
    const { code, stderr } = await consumer.ended;
    expect(code).toBe(0);
    expect(peakOf(stderr)).toBeLessThan(CONTAINER_BYTES);
    expect(await kept(clickHouse)).toMatchObject({ spans: sent.spans });
    expect(metrics).toContain(
      `originscope_consumer_dead_letters_total{reason="batch_too_large"} ${sent.bad}\n`,
    );
    expect(metrics).toContain('originscope_consumer_events_total{event="restart"} 0\n');
    expect(metrics).toContain('originscope_consumer_events_total{event="rebalance"} 0\n');
    // Logged once, not for each.
    const lines = stderr.split('\n').filter((line) => line.includes('a batch of messages cannot be read'));
    expect(lines.length).toBeLessThan(4);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ topic, err: { code: 'BATCH_TOO_LARGE' } });

    const kafka = kafkaClient(brokers);
    const found = await listDeadLetters({ kafka, deadLetterTopic, group, limit: 1_000 });
    expect(found).toMatchObject({ total: sent.bad, waiting: sent.bad });
    const froms = found.letters.map(({ from }) => from);
    expect(new Set(froms).size).toBe(sent.bad);
    expect(froms).toContainEqual(expect.stringMatching(/^\S+ \d \d+-\d{5}$/));
    for (const letter of found.letters) {
      expect(letter).toMatchObject({ reason: 'BATCH_TOO_LARGE', holds: 'batch', bytes: expect.any(Number) });
    }
    const replayed = await runOriginscope(['dead-letters', 'replay', ...args, '--group', group]);
    expect(replayed.code).toBe(0);
    expect(replayed.stdout).toContain(`0 dead letters sent to ${topic} again\n`);
    const leftOut =
      /left out, because no consumer reads such a batch: \S+ \d \d+-\d+\n {4}A batch of [\d,]+ bytes \(\w+\) contains more than [\d,]+ (bytes|records and headers)/g;
    expect(replayed.stdout.match(leftOut)).toHaveLength(sent.bad);

    const rebuild = start(process.execPath, [
      ...[...CONTAINED, BIN, 'rebuild', '--json', '--since', '1h', '--until', '0s', '--clickhouse', url],
      ...['--brokers', brokers.join(','), '--topic', topic],
    ]);
    const rebuilt = await rebuild.ended;
    expect(rebuilt.code).toBe(0);
    expect(JSON.parse(rebuilt.stdout)).toMatchObject({
      unreadableBatches: sent.bad,
      malformed: 0,
      spans: sent.spans,
      written: sent.spans,
    });
    expect(peakOf(rebuilt.stderr)).toBeLessThan(CONTAINER_BYTES);
  });
});

/** A request of one span padded with spaces to this size. */
function padded(bytes: number): Sent {
  const body = request(1);
  const [span] = body.resourceSpans?.[0]?.scopeSpans?.[0]?.spans ?? [];
  span?.attributes?.push({ key: 'pad', value: { stringValue: ' '.repeat(bytes) } });
  return asJson(body);
}
