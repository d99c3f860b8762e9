import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { describeKafka, topicsDeletedAfter, withAdmin } from '../test/support/kafka-run.ts';
import { runOriginscope } from '../test/support/originscope.ts';

describeKafka('originscope topics', ({ brokers }) => {
  function names(): { topic: string; deadLetterTopic: string; args: string[] } {
    const topic = `test_${randomUUID()}`;
    const deadLetterTopic = `${topic}_dead_letter`;
    topicsDeletedAfter(brokers, [topic, deadLetterTopic]);
    return {
      topic,
      deadLetterTopic,
      args: ['--brokers', brokers.join(','), '--topic', topic, '--dead-letter-topic', deadLetterTopic],
    };
  }

  test('create makes both topics as they have to be, and a second time finds them so', async () => {
    const { topic, deadLetterTopic, args } = names();
    const create = ['topics', 'create', ...args, '--partitions', '5'];

    expect(await runOriginscope(create)).toMatchObject({
      code: 0,
      stdout:
        `${topic}: created with 5 partitions, one copy, kept for 72 hours\n` +
        `${deadLetterTopic}: created with 1 partition, one copy, kept for 336 hours\n`,
    });
    const settings = await withAdmin(brokers, async (admin) => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topic }],
      });
      return Object.fromEntries(
        resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
      );
    });
    expect(settings).toMatchObject({
      'message.timestamp.type': 'LogAppendTime',
      'retention.ms': String(72 * 3_600_000),
      'max.message.bytes': String(8 * 1024 ** 2),
      'compression.type': 'producer',
      'cleanup.policy': 'delete',
    });
    expect(await runOriginscope(create)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${topic}: exists with 5 partitions`),
    });
  });

  test('an existing topic is left as it is, and each difference is told', async () => {
    const { topic, args } = names();
    await runOriginscope(['topics', 'create', ...args, '--partitions', '2', '--keep-topic', '48']);
    const { stdout } = await runOriginscope(['topics', 'create', ...args, '--partitions', '4']);
    expect(stdout).toContain(`${topic}: exists, and differs; it is left as it is
  partitions 2 instead of 4
  retention.ms 172800000 instead of 259200000
`);
  });

  test('show creates nothing', async () => {
    const { topic, args } = names();
    for (const _ of ['first', 'second']) {
      const { stdout } = await runOriginscope(['topics', 'show', ...args]);
      expect(stdout).toContain(`${topic}: missing; create it with "node cli/bin.ts topics create"`);
    }
  });

  test('more copies than brokers are refused by a sentence', async () => {
    const { args } = names();
    expect(await runOriginscope(['topics', 'create', ...args, '--replication', '3'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--replication 3 needs as many brokers, and there are 1'),
    });
  });
});
