import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { kafkaAt, withAdmin as withAdminOf } from '../../collector/kafka/client/connection.ts';
import { type ClickHouseServer, launchClickHouseServer } from '../support/clickhouse-server/launch.ts';
import { freePort } from '../support/free-port.ts';
import { whyNoKafka } from '../support/kafka.ts';
import { withAdmin } from '../support/kafka-run.ts';
import { runOriginscope } from '../support/originscope.ts';
import { type StartedProcess, start } from '../support/process.ts';
import { until } from '../support/until.ts';
import { type Compose, exampleVariables, ROOT, readCompose } from './compose.ts';
import { type KafkaContainer, startKafkaContainer } from './kafka-container.ts';

/**
 * What docker-compose.yml would start, started here: with the environment and the command that the file gives,
 * and only hosts and ports replaced by those of this machine. In the place of the ClickHouse server is its
 * stand-in with the same users.
 */
describe('the services of docker-compose.yml', () => {
  const why = whyNoKafka();
  beforeEach(({ skip }) => {
    if (why !== undefined) skip(why);
  });

  const secrets = Object.fromEntries(
    exampleVariables().map((name) => [name, randomBytes(24).toString('hex')] as const),
  );
  const compose: Compose = readCompose(secrets);
  let directory: string;
  let kafka: KafkaContainer;
  let clickhouse: ClickHouseServer;
  let hosts: Readonly<Record<string, string>>;
  let ports: Readonly<Record<'ORIGINSCOPE_PORT' | 'ORIGINSCOPE_METRICS_PORT', string>>;

  beforeAll(async () => {
    if (why !== undefined) return;
    directory = mkdtempSync(join(tmpdir(), 'originscope-compose-'));
    const [reader, writer] = ['originscope_reader', 'originscope'];
    [kafka, clickhouse] = await Promise.all([
      startKafkaContainer(serviceOf('kafka'), directory),
      launchClickHouseServer({
        users: [
          { name: writer, password: secrets.CLICKHOUSE_WRITER_PASSWORD ?? '' },
          { name: reader, password: secrets.CLICKHOUSE_READER_PASSWORD ?? '', readonly: 1 },
        ],
      }),
    ]);
    ports = {
      ORIGINSCOPE_PORT: String(await freePort()),
      ORIGINSCOPE_METRICS_PORT: String(await freePort()),
    };
    hosts = {
      'kafka:19092': kafka.address,
      'clickhouse:8123': new URL(clickhouse.url).host,
      'receiver:4318': `127.0.0.1:${ports.ORIGINSCOPE_PORT}`,
    };
  }, 120_000);
  afterAll(async () => {
    await Promise.all([kafka?.close(), clickhouse?.stop()]);
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  });

  function serviceOf(name: string) {
    const service = compose.services[name];
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  function environmentOf(name: string): Record<string, string> {
    const here = Object.entries(serviceOf(name).environment ?? {}).map(([variable, value]) => {
      const hosted = Object.entries(hosts).reduce(
        (text, [there, address]) => text.replaceAll(there, address),
        String(value),
      );
      return [variable, hosted] as const;
    });
    return Object.fromEntries(here);
  }

  /** A one-shot job, to its end. */
  const runJob = (name: string) => runOriginscope(serviceOf(name).command ?? [], environmentOf(name));

  function startService(name: string): StartedProcess {
    const command = serviceOf(name).command ?? [];
    return start(process.execPath, [join(ROOT, 'cli/bin.ts'), ...command], {
      env: { ...environmentOf(name), ...ports },
    });
  }

  async function untilReady(service: StartedProcess, port: string): Promise<void> {
    const ended = service.ended.then(({ stderr }) => {
      throw new Error(`it ended: ${stderr}`);
    });
    const isReady = () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await Promise.race([until(isReady, 50), ended]);
    // Its later exit is not an error.
    ended.catch(() => undefined);
  }

  test('every KAFKA_ variable becomes a known property of the broker, with its value', async () => {
    const known = await withAdmin([kafka.localAddress], (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.BROKER, name: '1' }],
      }),
    );
    const values = new Map(
      known.resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]),
    );
    // The broker repeats what it does not know as well, but without its value.
    const shown = Object.entries(kafka.properties).filter(([name]) => !name.endsWith('.sasl.jaas.config'));
    expect(shown.map(([name]) => [name, values.get(name)])).toEqual(shown);
    expect(Object.keys(kafka.properties)).toContain('auto.create.topics.enable');
  });

  test('the broker accepts only clients with the password of .env, from containers and from this machine', async () => {
    const ask = (broker: string, password?: string) => {
      const sasl = { mechanism: 'plain', username: 'originscope', password: password ?? '' } as const;
      const location = { brokers: [broker], ...(password !== undefined && { sasl }) };
      const client = kafkaAt(location, pino({ level: 'silent' }), {
        retry: { retries: 0 },
        connectionTimeout: 5_000,
        requestTimeout: 5_000,
      });
      return withAdminOf(client, (admin) => admin.listTopics());
    };
    for (const broker of [kafka.address, kafka.hostAddress]) {
      await expect(ask(broker, secrets.KAFKA_PASSWORD)).resolves.toEqual(expect.any(Array));
      await expect(ask(broker, 'a-wrong-password')).rejects.toThrow('authentication failed');
      await expect(ask(broker)).rejects.toThrow();
    }
    expect(await kafka.log()).not.toContain(secrets.KAFKA_PASSWORD);
  });

  test('the broker logs to its output, but not every request', async () => {
    const lines = (await kafka.log()).split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^\[.*\] INFO .*Kafka Server started/));
    expect(lines.filter((line) => /state\.change\.logger|kafka\.request\.logger/.test(line))).toEqual([]);
  });

  test('the engine can parse the grants of the users of the ClickHouse server', async () => {
    const users = readFileSync(join(ROOT, 'clickhouse/server/users.xml'), 'utf8');
    const grants = [...users.matchAll(/<query>(GRANT .*)<\/query>/g)].map(([, statement]) => statement);
    expect(grants.length).toBeGreaterThan(3);
    const client = createClient({
      url: clickhouse.url,
      username: 'originscope',
      password: secrets.CLICKHOUSE_WRITER_PASSWORD ?? '',
    });
    onTestFinished(() => client.close());
    for (const grant of grants) {
      const parsed = await client.query({
        query: `EXPLAIN AST ${grant} TO somebody`,
        format: 'TabSeparated',
      });
      expect(await parsed.text()).toContain('GrantQuery');
    }
  });

  test('deliver the decisions of the example services to the database of the dashboards', async () => {
    // In the order of `depends_on`.
    for (const job of ['topics', 'migrations']) {
      // The second time is harmless.
      for (let time = 1; time <= 2; time++) {
        expect(await runJob(job)).toMatchObject({ code: 0, stderr: '' });
      }
    }
    const [receiver, consumer] = [startService('receiver'), startService('consumer')];
    await untilReady(receiver, ports.ORIGINSCOPE_PORT);
    await untilReady(consumer, ports.ORIGINSCOPE_METRICS_PORT);

    const shop = start(process.execPath, [join(ROOT, 'examples/shop.ts')], { env: environmentOf('shop') });
    const asReader = createClient({
      url: clickhouse.url,
      username: 'originscope_reader',
      password: secrets.CLICKHOUSE_READER_PASSWORD ?? '',
      database: 'originscope',
      log: { level: ClickHouseLogLevel.OFF },
    });
    onTestFinished(() => asReader.close());
    const services = async () => {
      const query = 'SELECT DISTINCT service FROM origin_usage ORDER BY service';
      const rows = await (await asReader.query({ query, format: 'JSONEachRow' })).json<{ service: string }>();
      return rows.map(({ service }) => service);
    };
    await until(async () => (await services()).length === 3, 100);
    expect(await services()).toEqual(['accounts', 'catalog', 'search']);
    await expect(asReader.command({ query: 'TRUNCATE TABLE decision_spans' })).rejects.toThrow();

    const withoutToken = await fetch(`http://127.0.0.1:${ports.ORIGINSCOPE_PORT}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(withoutToken.status).toBe(401);

    for (const process of [shop, receiver, consumer]) {
      process.kill('SIGTERM');
      expect(await process.ended).toMatchObject({ code: 0 });
    }
    // On the port of the consumer, which has ended.
    const analyzer = startService('analyzer');
    await untilReady(analyzer, ports.ORIGINSCOPE_METRICS_PORT);
    analyzer.kill('SIGTERM');
    expect(await analyzer.ended).toMatchObject({ code: 0 });
  }, 180_000);
});
