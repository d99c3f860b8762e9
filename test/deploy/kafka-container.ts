import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.ts';
import { kafkaClassPath } from '../support/kafka/jars.ts';
import { kafkaClient } from '../support/kafka-run.ts';
import { until } from '../support/until.ts';
import { ROOT, type Service } from './compose.ts';

const execute = promisify(execFile);

export interface KafkaContainer {
  /** Where `kafka:19092` is on this machine. */
  readonly address: string;
  /** Where `127.0.0.1:9092` is. */
  readonly hostAddress: string;
  /** The one that asks for no password, for those inside the container. */
  readonly localAddress: string;
  /** What the variables became, without those that say where it is. */
  readonly properties: Readonly<Record<string, string>>;
  /** What it has logged. */
  log(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Kafka as its image would start it with this environment: the image's own program, which is among Kafka's jars,
 * turns the variables into properties and formats the storage. Ports become free ones, the host this machine, and
 * the data directory one in `directory`. Its read-only mounts of the configuration are in their place.
 */
export async function startKafkaContainer(service: Service, directory: string): Promise<KafkaContainer> {
  const ports = new Map<string, number>();
  for (const port of ['19092', '9092', '9093', '9094']) ports.set(port, await freePort());
  const data = join(directory, 'data');
  const moved = new Set<string>();
  const environment = Object.entries(service.environment ?? {}).map(([name, value]) => {
    const here = String(value)
      .replaceAll(/(?<=:)\d{4,5}\b/g, (port) => String(ports.get(port) ?? port))
      .replaceAll(/\bkafka(?=:)/g, '127.0.0.1')
      .replaceAll('://:', '://127.0.0.1:')
      .replace('/var/lib/kafka/data', data);
    if (here !== String(value)) moved.add(propertyOf(name));
    return [name, here] as const;
  });

  const directories = ['default', 'mounted', 'final'].map((name) => join(directory, name));
  for (const path of [...directories, data]) await mkdir(path);
  const [defaults = '', mounted = '', final = ''] = directories;
  for (const file of ['server.properties', 'log4j2.yaml', 'tools-log4j2.yaml']) {
    await writeFile(join(defaults, file), '');
  }
  for (const [file = '', place = ''] of (service.volumes ?? []).map((mount) => mount.split(':'))) {
    if (dirname(place) === '/mnt/shared/config') {
      await copyFile(join(ROOT, file), join(mounted, basename(place)));
    }
  }
  const java = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx384m', '-cp', await kafkaClassPath()];
  await execute(
    'java',
    [
      ...[...java, 'kafka.docker.KafkaDockerWrapper', 'setup'],
      ...['--default-configs-dir', defaults, '--mounted-configs-dir', mounted, '--final-configs-dir', final],
    ],
    { env: { PATH: process.env.PATH, ...Object.fromEntries(environment) } },
  );

  const configuration = join(final, 'server.properties');
  const lines = (await readFile(configuration, 'utf8')).split('\n').filter((line) => line.includes('='));
  const properties = lines.map((line) => [
    line.slice(0, line.indexOf('=')),
    line.slice(line.indexOf('=') + 1),
  ]);

  // It ends when this process does, however that ends: `cat` then reads the end of its pipe.
  const broker = spawn(
    'sh',
    [
      '-c',
      '"$@" >"$LOG" 2>&1 & cat >/dev/null; kill -9 $!',
      'sh',
      'java',
      `-Dlog4j2.configurationFile=${join(final, 'log4j2.yaml')}`,
      ...java,
      'kafka.Kafka',
      configuration,
    ],
    { env: { PATH: process.env.PATH, LOG: join(directory, 'log') }, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  const at = (port: string): string => `127.0.0.1:${ports.get(port)}`;
  const localAddress = at('9094');
  await until(() => answers(localAddress), 200);
  return {
    address: at('19092'),
    hostAddress: at('9092'),
    localAddress,
    properties: Object.fromEntries(properties.filter(([name]) => !moved.has(name ?? ''))),
    log: () => readFile(join(directory, 'log'), 'utf8'),
    async close() {
      const ended = once(broker, 'exit');
      broker.stdin.end();
      await ended;
    },
  };
}

const propertyOf = (variable: string): string =>
  variable
    .replace(/^KAFKA_/, '')
    .toLowerCase()
    .replaceAll('_', '.');

async function answers(address: string): Promise<boolean> {
  const admin = kafkaClient([address]).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}
