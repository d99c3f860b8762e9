import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { withAdmin } from '../../collector/kafka/client/connection.ts';
import { stopIdlePolling } from '../../collector/kafka/client/kafkajs-patches/request-queue.ts';
import { kafkaClassPath, run } from './kafka/jars.ts';
import {
  KAFKA_PASSWORD,
  KAFKA_USER,
  LISTENERS,
  type Listener,
  serverProperties,
} from './kafka/properties.ts';
import { CERT, KEY } from './tls.ts';

export { whyNoKafka } from './kafka/jars.ts';
export { KAFKA_PASSWORD, KAFKA_USER } from './kafka/properties.ts';

export interface KafkaNode {
  /** host:port without encryption and passwords. */
  readonly address: string;
  /** Of the Java process; undefined while it does not run. */
  readonly pid: number | undefined;
  /** `kill -9`; resolves when the process is gone. Acknowledged messages are kept. */
  kill(): Promise<void>;
  /** Starts it again, with its data; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay open without responses. */
  stop(): void;
  /** SIGCONT. */
  resume(): void;
}

/** Addresses (host:port) of every node, by the listener: `brokers` are those of `plaintext`. */
export interface KafkaAddresses {
  readonly brokers: string[];
  readonly sasl: string[];
  /** With the certificate of test/support/tls.ts. */
  readonly tls: string[];
  /** As `tls`, and clients show the same certificate. */
  readonly mutualTls: string[];
  readonly saslTls: string[];
}

export interface RunningKafka extends KafkaAddresses {
  readonly nodes: readonly KafkaNode[];
  close(): Promise<void>;
}

const JAVA_OPTIONS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms64m', '-Xmx384m'];
const LOG_CONFIGURATION = new URL('kafka/log4j2.properties', import.meta.url).pathname;
const READY_WITHIN_MILLIS = 180_000;

/**
 * A published release of Apache Kafka, one node or three (replication 3, 2 in sync), on free ports of this
 * machine. Resolves when a consumer group can be joined. It ends with `close`, or with this process for any
 * reason.
 */
export async function startKafka({
  brokers: count = 1,
  port,
  advertise = async (own) => own,
}: {
  readonly brokers?: 1 | 3;
  /** Of the first node without encryption and passwords; default: a free one. */
  readonly port?: number;
  /** By which port others reach a node's one without encryption and passwords; default: the same. */
  readonly advertise?: (port: number) => Promise<number>;
} = {}): Promise<RunningKafka> {
  const classPath = await kafkaClassPath();
  const directory = await mkdtemp(join(tmpdir(), 'originscope-kafka-'));
  const warden = startWarden(directory);
  const keyStore = join(directory, 'key.pem');
  const trustStore = join(directory, 'trust.pem');
  await Promise.all([writeFile(keyStore, `${KEY}\n${CERT}\n`), writeFile(trustStore, `${CERT}\n`)]);

  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const ports = await Promise.all(ids.map(freePorts));
  if (port !== undefined) portsOf(ports, 0).plaintext = port;
  const advertised: Ports[] = [];
  for (const own of ports) advertised.push({ ...own, plaintext: await advertise(own.plaintext) });
  const controllers = new Map(ids.map((id, index) => [id, portsOf(ports, index).controller]));
  // As the tool takes it: not like an option.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, '_');
  const nodes = ids.map((id, index) =>
    createNode({
      classPath,
      directory,
      clusterId,
      alone: count === 1,
      id,
      properties: serverProperties({
        id,
        ports: portsOf(ports, index),
        advertised: portsOf(advertised, index),
        controllers,
        dataDirectory: join(directory, `data-${id}`),
        keyStore,
        trustStore,
      }),
      address: `127.0.0.1:${portsOf(ports, index).plaintext}`,
    }),
  );
  const at = (listener: Listener): string[] => advertised.map((own) => `127.0.0.1:${own[listener]}`);

  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    warden.stdin?.end();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map((node) => node.format()));
    await Promise.all(nodes.map((node) => node.start()));
    await groupCanBeJoined(at('plaintext'), nodes);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    brokers: at('plaintext'),
    sasl: at('sasl'),
    tls: at('tls'),
    mutualTls: at('mutualTls'),
    saslTls: at('saslTls'),
    nodes,
    close,
  };
}

/** Ends the brokers when this process does not get to it: its end closes the pipe that the warden reads. */
function startWarden(directory: string): ChildProcess {
  const warden = spawn(
    'sh',
    [
      '-c',
      'trap "" INT TERM HUP; cat >/dev/null; for file in "$1"/*.pid; do [ -e "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null; done; rm -rf "$1"',
      'warden',
      directory,
    ],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  warden.unref();
  warden.stdin?.on('error', () => {});
  (warden.stdin as { unref?: () => void } | null)?.unref?.();
  return warden;
}

interface NodeSetting {
  readonly classPath: string;
  readonly directory: string;
  readonly clusterId: string;
  /** A quorum of one. */
  readonly alone: boolean;
  readonly id: number;
  readonly properties: Readonly<Record<string, string | number>>;
  readonly address: string;
}

function createNode(setting: NodeSetting): KafkaNode & { format(): Promise<void>; said(): Promise<string> } {
  const { classPath, directory, id, address } = setting;
  const configuration = join(directory, `server-${id}.properties`);
  const pidFile = join(directory, `${id}.pid`);
  const logFile = join(directory, `${id}.log`);
  const java = [...JAVA_OPTIONS, `-Dlog4j2.configurationFile=${LOG_CONFIGURATION}`, '-cp', classPath];
  let child: ChildProcess | undefined;

  return {
    address,
    get pid() {
      return child?.pid;
    },
    async format() {
      const lines = Object.entries(setting.properties).map(([name, value]) => `${name}=${value}`);
      await writeFile(configuration, `${lines.join('\n')}\n`);
      await run('java', [
        ...java,
        ...['kafka.tools.StorageTool', 'format', '-t', setting.clusterId, '-c', configuration],
        ...['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=${KAFKA_USER},password=${KAFKA_PASSWORD}]`,
        ]),
        ...(setting.alone ? ['--standalone'] : []),
      ]);
    },
    async start() {
      const log = openSync(logFile, 'a');
      const started = spawn('java', [...java, 'kafka.Kafka', configuration], { stdio: ['ignore', log, log] });
      // Does not keep the process alive.
      started.unref();
      child = started;
      const ended = once(started, 'exit').then(async () => {
        if (child === started) child = undefined;
        await rm(pidFile, { force: true });
      });
      await writeFile(pidFile, String(started.pid));
      await Promise.race([answering([address]), ended]);
      if (child !== started) throw new Error(`Kafka ended at its start: ${await this.said()}`);
    },
    async kill() {
      const running = child;
      if (running === undefined) return;
      running.ref();
      const gone = once(running, 'exit');
      running.kill('SIGKILL');
      await gone;
      child = undefined;
    },
    stop: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    said: async () => (await readFile(logFile, 'utf8').catch(() => '')).slice(-4_000),
  };
}

function clientOf(brokers: readonly string[]): Kafka {
  stopIdlePolling();
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
}

/** Resolves when a broker reports the members of its cluster. */
function answering(brokers: readonly string[]): Promise<void> {
  return untilAdmin(brokers, async (admin) => (await admin.describeCluster()).brokers.length > 0);
}

/** The first group makes the broker create and load its offsets, which takes seconds longer than its port. */
function groupCanBeJoined(brokers: readonly string[], nodes: readonly KafkaNode[]): Promise<void> {
  return untilAdmin(brokers, async (admin) => {
    if ((await admin.describeCluster()).brokers.length !== nodes.length) return false;
    // As a group's first member does: the coordinator answers when its offsets are loaded.
    await admin.fetchOffsets({ groupId: 'ready', topics: [] });
    return true;
  });
}

/** @throws the last error when it is not so within three minutes */
async function untilAdmin(
  brokers: readonly string[],
  isSo: (admin: Admin) => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MILLIS;
  for (;;) {
    try {
      if (await withAdmin(clientOf(brokers), isSo)) return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(100);
  }
}

type Ports = Record<Listener, number>;

/** Below the ports that outgoing connections take, so that a broker finds its own again when it is restarted. */
async function freePorts(): Promise<Ports> {
  const entries: [string, number][] = [];
  for (const listener of Object.keys(LISTENERS)) entries.push([listener, await freePort()]);
  return Object.fromEntries(entries) as Ports;
}

const given = new Set<number>();

async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

function portsOf(ports: readonly Ports[], index: number): Ports {
  const own = ports[index];
  if (own === undefined) throw new RangeError(`no node ${index}`);
  return own;
}
