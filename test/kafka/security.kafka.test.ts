import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { kafkaOf } from '../../cli/settings/kafka.ts';
import { readSettings } from '../../cli/settings/read-settings.ts';
import { kafkaAt, kafkaUnavailable, withAdmin } from '../../collector/kafka/client/connection.ts';
import { SASL_MECHANISMS } from '../../collector/kafka/client/options.ts';
import { temporaryDirectory } from '../support/clickhouse.ts';
import { request } from '../support/consuming.ts';
import { KAFKA_PASSWORD, KAFKA_USER, type KafkaAddresses } from '../support/kafka.ts';
import { describeKafka, temporaryTopic } from '../support/kafka-run.ts';
import { messagesIn } from '../support/messages-in.ts';
import { runOriginscope } from '../support/originscope.ts';
import { encodeRequest } from '../support/otlp-schema.ts';
import { postTraces, receiving } from '../support/receiving.ts';
import { CERT, KEY } from '../support/tls.ts';

const WRONG = 'a-wrong-password';

describeKafka('a broker that requires authentication', (kafka) => {
  /** As the command line reads them; the password comes from a file. */
  async function settings(
    listener: keyof Omit<KafkaAddresses, 'brokers'>,
    flags: Readonly<Record<string, string>>,
    { password, certificate }: { password?: string; certificate?: boolean } = {},
  ): Promise<{ flags: Record<string, string>; env: Record<string, string> }> {
    const directory = await temporaryDirectory();
    const file = (name: string, content: string): string => {
      writeFileSync(join(directory, name), content);
      return join(directory, name);
    };
    return {
      flags: {
        brokers: kafka[listener].join(','),
        ...flags,
        ...(certificate === true && { kafkaCert: file('cert.pem', CERT), kafkaKey: file('key.pem', KEY) }),
        ...(flags.kafkaSecurity?.endsWith('ssl') && { kafkaCa: file('ca.pem', CERT) }),
      },
      env:
        password === undefined
          ? {}
          : {
              ORIGINSCOPE_KAFKA_USER: KAFKA_USER,
              ORIGINSCOPE_KAFKA_PASSWORD_FILE: file('password', `${password}\n`),
            },
    };
  }

  /** Resolves when the broker accepts the connection; rejects with the error reported to users otherwise. */
  async function connect(...given: Parameters<typeof settings>): Promise<void> {
    const { flags, env } = await settings(...given);
    const location = kafkaOf(readSettings(flags, env));
    const client = kafkaAt(location, pino({ level: 'silent' }), { retry: { retries: 0 } });
    await withAdmin(client, (admin) => admin.listTopics()).catch((error: unknown) => {
      throw kafkaUnavailable(location, error);
    });
  }

  const denied = expect.objectContaining({ code: 'KAFKA_DENIED', retryable: false });

  test.each(SASL_MECHANISMS)('by password (%s)', async (kafkaSasl) => {
    const flags = { kafkaSecurity: 'sasl_plaintext', kafkaSasl };
    await connect('sasl', flags, { password: KAFKA_PASSWORD });
    await expect(connect('sasl', flags, { password: WRONG })).rejects.toThrow(denied);
  });

  test('with a certificate from a private authority', async () => {
    await connect('tls', { kafkaSecurity: 'ssl' });
    const { flags } = await settings('tls', { kafkaSecurity: 'ssl' });
    const { kafkaCa: _, ...withoutCa } = flags;
    const location = kafkaOf(readSettings(withoutCa, {}));
    const client = kafkaAt(location, pino({ level: 'silent' }), { retry: { retries: 0 } });
    const error = await withAdmin(client, (admin) => admin.listTopics()).catch((cause: unknown) => cause);
    expect(kafkaUnavailable(location, error)).toEqual(denied);
  });

  test('with a client certificate', async () => {
    await connect('mutualTls', { kafkaSecurity: 'ssl' }, { certificate: true });
    await expect(connect('mutualTls', { kafkaSecurity: 'ssl' })).rejects.toThrow(denied);
  });

  test('and a receiver writes to it, over TLS with a password', async () => {
    const topic = await temporaryTopic(kafka.brokers);
    const { flags, env } = await settings(
      'saslTls',
      { kafkaSecurity: 'sasl_ssl' },
      { password: KAFKA_PASSWORD },
    );
    const { url } = await receiving({ kafka: kafkaOf(readSettings(flags, env)), topic });
    expect((await postTraces(url, encodeRequest(request(3)))).status).toBe(200);
    expect(await messagesIn(kafka.brokers, topic)).toHaveLength(1);
  });

  test('a wrong password ends a command with an error that does not contain it', async () => {
    const { flags, env } = await settings('sasl', {}, { password: WRONG });
    for (const command of [
      ['topics', 'show'],
      ['receive', '--port', '0'],
    ]) {
      const { code, stdout, stderr } = await runOriginscope(
        [...command, '--brokers', flags.brokers ?? '', '--kafka-security', 'sasl_plaintext'],
        env,
      );
      expect(code).toBe(1);
      expect(stderr).toContain(
        'rejected our credentials or certificate: SASL SCRAM SHA512 authentication failed',
      );
      expect(stderr).toContain('Check --kafka-security');
      expect(stdout + stderr).not.toContain(WRONG);
    }
  });
});
